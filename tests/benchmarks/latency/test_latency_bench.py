"""The measurement itself, on stand-ins for the networks and a camera of a second."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks import records
from steadypose.benchmarks.latency import run as bench
from steadypose.benchmarks.latency.camera import Camera
from steadypose.benchmarks.latency.feeds import HttpFeed
from steadypose.benchmarks.latency.memory import in_use_reader, resident_mb
from steadypose.benchmarks.records import Origin
from steadypose.stream.pipeline import Pipeline
from tests.stream.stand_ins import scene, stand_in_room, walk


@pytest.fixture
def url() -> Iterator[str]:
    feed = HttpFeed()
    people = [np.roll(scene(boxes, (240, 320)), 100, 0) for boxes in walk(90, speed=0.5)]
    camera = Camera(people, 30, http=feed, keyframe_s=0.25).start()
    yield feed.url("live.ts")
    camera.close()
    feed.close()


def test_a_camera_is_measured_to_the_frame(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_FLOOR_S", 0.3)
    monkeypatch.setattr(bench, "_SETTLE_S", 0.2)
    options = argparse.Namespace(transport="http", size="320x240", fps=30.0, seconds=1.5)
    record = bench.measure(url, Pipeline(room=stand_in_room()), options, "stand-ins")
    assert 20 < record.age.count <= record.results <= record.received
    assert record.damaged == 0
    assert record.age.p50 >= record.decoded.p50 >= 0
    assert record.people >= 2  # the bar code is taken for some more
    assert record.rss_mb > 20
    # A second and a half says nothing of growth.
    assert record.rss_slope_mb.is_flat
    assert math.isinf(record.rss_slope_mb.high)
    records.append(tmp_path / "record.jsonl", [record.record()], Origin.of(options))
    (written,) = records.read(tmp_path / "record.jsonl")
    assert written["values"]["memory grows by, MB/h"]["high"] is None
    assert any("memory grows by" in line for line in record.lines())


def test_memory_in_use_tells_what_is_held_from_what_was_given_back() -> None:
    read = in_use_reader()
    if math.isnan(read()):
        pytest.skip("this C library does not tell what is in use")
    before = read()
    held = np.ones(8_000_000, np.uint8)
    assert read() - before == pytest.approx(8.0, abs=0.5)
    assert resident_mb() > 8
    del held
    assert read() == pytest.approx(before, abs=0.5)
