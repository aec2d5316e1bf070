"""The whole pipeline on a camera that is faster than it: the newest frame counts."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from steadypose.benchmarks.latency import barcode
from steadypose.benchmarks.latency.camera import Camera
from steadypose.benchmarks.latency.feeds import HttpFeed
from steadypose.configs import Config, DetectorConfig
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.sources import LiveSource
from tests.stream.live.conftest import QUICK, descriptors, readers, until
from tests.stream.stand_ins import stand_in_room


@pytest.mark.usefixtures("camera")
def test_five_times_too_slow_and_the_lag_does_not_grow(
    http: HttpFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Pipeline(room=stand_in_room(Config(detector=DetectorConfig(every=1))))
    estimate, cost_s = work.room.estimator.estimate_many, 5 / 30
    monkeypatch.setattr(
        work.room.estimator, "estimate_many", lambda *a: (time.sleep(cost_s), estimate(*a))[1]
    )
    source = LiveSource(http.url("live.ts"), settings=QUICK)
    run = work.run(source)
    ages, before_work, indices = [], [], []
    for result in run:
        stamp = barcode.read(result.frame.image)
        assert stamp is not None
        ready_s = result.frame.captured_s + result.age_s
        ages.append(ready_s - stamp.sent_s)
        spent = sum(s for name, s in result.stage_s.items() if name != "decode")
        before_work.append(result.age_s - spent)
        indices.append(result.frame.index)
        if len(ages) == 18:
            break
    early, late = np.median(ages[3:9]), np.median(ages[12:])
    assert late < early + 0.1
    # A frame waits for the one before it to be done no longer than until a newer one replaces it.
    assert np.median(before_work) < 2.5 / 30
    assert indices[-1] - indices[0] > 3 * len(indices)
    assert run.dropped >= indices[-1] - len(indices) - 2


def test_a_run_leaves_nothing_behind_however_it_stops(http: HttpFeed, camera: Camera) -> None:
    work = Pipeline(room=stand_in_room())
    list(work.run(LiveSource(http.url("live.ts"), settings=QUICK, max_frames=2)))
    until(lambda: readers() == 0)
    before = descriptors(), threading.active_count()
    for paused in (False, True):
        run = work.run(LiveSource(http.url("live.ts"), settings=QUICK))
        for _ in run:
            if paused:
                camera.pause()
                threading.Timer(0.3, run.stop).start()
            else:
                break
        began = time.monotonic()
        run.close()
        assert time.monotonic() - began < 2
        camera.resume()
    until(lambda: readers() == 0)
    until(lambda: (descriptors(), threading.active_count()) <= before)
