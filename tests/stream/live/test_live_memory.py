"""A camera that is followed for hours holds no more than one that was followed for a minute."""

from __future__ import annotations

import gc
import itertools
import threading
import tracemalloc

import numpy as np
import pytest

from steadypose.benchmarks.latency.camera import Camera
from steadypose.benchmarks.latency.feeds import HttpFeed
from steadypose.stream.cameras import CameraGroup
from steadypose.stream.records import FrameResult
from steadypose.stream.serve.hub import Hub
from steadypose.stream.serve.metrics import Metrics
from steadypose.stream.serve.settings import ServeSettings
from steadypose.stream.sources import LiveSource
from tests.stream.live.conftest import QUICK, until
from tests.stream.stand_ins import scene, stand_in_room, walk

_FPS = 120
_BEGIN, _END = 100, 500
"""Results at which is counted what is held."""


def _held() -> tracemalloc.Snapshot:
    """What was allocated since tracing began and is not freed."""
    gc.collect()
    return tracemalloc.take_snapshot()


def test_nothing_is_kept_of_frames_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steadypose.stream.cameras.figures.LATELY_S", 0.1)
    there = [
        np.roll(scene(boxes, (120, 320)), 35, 0) for boxes in walk(60, people=1, speed=1.0)
    ]  # below the bar code
    feed, seen, done = HttpFeed(), itertools.count(), threading.Event()
    held: list[tracemalloc.Snapshot] = []
    hub = Hub(["door"], ServeSettings())

    def on_result(name: str, result: FrameResult) -> None:
        metrics.add(name, result)
        hub.publish(name, result)
        number = next(seen)
        if number in (_BEGIN, _END):
            held.append(_held())
        if number == _END:
            done.set()

    source = LiveSource(feed.url("live.ts"), settings=QUICK)
    group = CameraGroup(stand_in_room(), {"door": lambda: source}, on_result)
    metrics = Metrics(group, hub)
    camera = Camera(there + there[::-1], _FPS, http=feed, keyframe_s=0.25).start()
    tracemalloc.start()
    try:
        with group:
            until(lambda: done.is_set() or not group.alive, 240)
            if not done.is_set():
                group.wait()  # raises why the networks' thread ended
    finally:
        tracemalloc.stop()
        camera.close()
        feed.close()
    # numpy and the interpreter keep a few hundred small pieces to use them again; what is kept for
    # good is an object a result at least, made by some line.
    grown = max(held[1].compare_to(held[0], "lineno"), key=lambda line: line.count_diff)
    assert grown.count_diff < 0.8 * (_END - _BEGIN), grown
