"""A camera that is followed for hours holds no more than one that was followed for a minute."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from steadypose.benchmarks.latency.camera import Camera
from steadypose.benchmarks.latency.feeds import HttpFeed
from steadypose.stream.cameras import CameraGroup
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.records import FrameResult
from steadypose.stream.serve.hub import Hub
from steadypose.stream.serve.metrics import Metrics
from steadypose.stream.serve.settings import ServeSettings
from steadypose.stream.sources import LiveSource
from steadypose.stream.summary import RunSummary
from steadypose.stream.timing import Stopwatch
from tests.stream.live.conftest import QUICK
from tests.stream.stand_ins import SceneSource, scene, stand_in_room, walk

_FPS = 240
_WARM_UP, _FRAMES = 200, 600
"""Results, until caches and tables have their size, and from then on."""
_LEAK = 0.25
"""Objects a result that may stay: what stays for good is at least one."""


class Growth:
    """How many objects stay, by the fewest that there were at the begin and at the end."""

    def __init__(self) -> None:
        self._counts: list[int] = []

    def note(self) -> None:
        gc.collect()
        self._counts.append(sys.getallocatedblocks())

    def per(self, results: int) -> float:
        half = len(self._counts) // 2
        return (min(self._counts[half:]) - min(self._counts[:half])) / results


@pytest.fixture
def source() -> Iterator[LiveSource]:
    feed = HttpFeed()
    there = [np.roll(scene(boxes, (120, 320)), 40, 0) for boxes in walk(60, speed=1.0)]
    camera = Camera(there + there[::-1], _FPS, http=feed, keyframe_s=0.25).start()
    yield LiveSource(feed.url("live.ts"), settings=QUICK)
    camera.close()
    feed.close()


def test_following_a_camera_keeps_nothing_of_its_frames(source: LiveSource) -> None:
    run = Pipeline(room=stand_in_room()).run(source)
    summary, growth = RunSummary(run), Growth()
    for number, result in enumerate(run):
        summary.add(result, Stopwatch())
        if number >= _WARM_UP and number % 50 == 0:
            growth.note()
        if number == _WARM_UP + _FRAMES:
            break
    assert growth.per(_FRAMES) < _LEAK


def test_serving_cameras_keeps_nothing_of_their_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steadypose.stream.cameras.figures.LATELY_S", 0.1)
    there = walk(60, speed=1.0)
    sources = {
        name: lambda: SceneSource((there + there[::-1]) * 50, live=True, period_s=0.001)
        for name in ("door", "yard")
    }
    growth, done, seen = Growth(), threading.Event(), itertools.count()
    hub = Hub(list(sources), ServeSettings())

    def on_result(name: str, result: FrameResult) -> None:
        metrics.add(name, result)
        hub.publish(name, result)
        number = next(seen)
        if number >= _WARM_UP and number % 50 == 0:
            growth.note()
        if number == _WARM_UP + _FRAMES:
            done.set()

    group = CameraGroup(stand_in_room(), sources, on_result)
    metrics = Metrics(group, hub)
    with group:
        assert done.wait(240)
    assert growth.per(_FRAMES) < _LEAK
