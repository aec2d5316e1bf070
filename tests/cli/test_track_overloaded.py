"""``steadypose track`` on an RTSP camera that is several times too fast for it, told to stop."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.latency.camera import Camera, pictures_of
from steadypose.benchmarks.latency.feeds import RtspFeed
from steadypose.engines import zoo
from steadypose.errors import ModelError
from tests.cli.conftest import STAND_INS, Program
from tests.cli.reading import lines_in, pictures_in
from tests.stream.live.conftest import has_server, until
from tests.stream.stand_ins import scene, walk

_SLOW = """
import time
from tests.stream.stand_ins import RectangleDetector

find = RectangleDetector.detect
RectangleDetector.detect = lambda *given: (time.sleep(0.2), find(*given))[1]
"""
_NETWORKS = """
import sys
from steadypose.stream.cli.main import main

sys.exit(main(sys.argv[1:]))
"""
_HANGS_S = 60.0
"""A stop takes under a second on an idle machine; what takes so long on any does not end at all."""

pytestmark = pytest.mark.skipif(
    not has_server(), reason="needs GStreamer's RTSP server (see .ci/run)"
)


@pytest.fixture(params=["stand-ins", "networks"])
def code(request: pytest.FixtureRequest) -> str:
    """A program that takes several of the camera's periods for a frame."""
    if request.param == "stand-ins":
        return _SLOW + STAND_INS
    try:
        for name in (*zoo.DEFAULTS, "demo-clip"):
            zoo.locate(name)
    except ModelError as error:
        pytest.skip(f"{error} (and: steadypose models fetch demo-clip)")
    return _NETWORKS


@pytest.fixture
def url(code: str) -> Iterator[str]:
    if code == _NETWORKS:
        people = pictures_of(zoo.locate("demo-clip"), (1280, 720))[:30]
    else:
        people = [np.roll(scene(boxes, (240, 320)), 100, 0) for boxes in walk(90, speed=0.5)]
    feed = RtspFeed()
    camera = Camera(people, 30, rtsp=feed, keyframe_s=0.25).start()
    yield feed.url()
    camera.close()
    feed.close()


def test_a_stop_under_overload_is_orderly(
    program: Program, code: str, url: str, tmp_path: Path
) -> None:
    arguments = ("--config", "accurate", "--detect-every", 1, "--record", tmp_path)
    process = program("track", url, *arguments, code=code)

    def tracked() -> int:
        return sum(len(lines_in(path)) for path in tmp_path.glob("*.jsonl"))

    until(lambda: tracked() > 8 or process.poll() is not None, 120)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=_HANGS_S)
    assert process.returncode == 130, errors.decode()
    assert b"Traceback" not in errors
    assert b"interrupted after" in errors
    (summary,) = (json.loads(path.read_text()) for path in tmp_path.glob("*.summary.json"))
    assert summary["outcome"] == "interrupted"
    assert summary["frames_dropped"] > 2 * summary["frames"] > 0
    (video,) = tmp_path.glob("*.mp4")
    rows = lines_in(video.with_suffix(".jsonl"))
    assert len(pictures_in(video)) == len(rows) == summary["frames"]
