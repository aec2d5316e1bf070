from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose import Frame
from steadypose.configs import Config, DetectorConfig, EstimatorConfig, RefinerConfig
from steadypose.engines.detectors import Detections
from steadypose.errors import InputError, StageError
from steadypose.stream.cameras import CameraGroup
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.records import FrameResult
from tests.stream.stand_ins import Box, SceneSource, stand_in_room, walk


class Results:
    """Collects what a group gives, and waits for it."""

    def __init__(self) -> None:
        self.of: dict[str, list[FrameResult]] = defaultdict(list)
        self._news = threading.Condition()

    def __call__(self, name: str, result: FrameResult) -> None:
        with self._news:
            self.of[name].append(result)
            self._news.notify_all()

    def wait(self, name: str, count: int, timeout_s: float = 20) -> list[FrameResult]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.of[name]) >= count, timeout_s)
            return list(self.of[name])


class HandedOut(SceneSource):
    """A camera that gives its next frame when the last one has a result: none is dropped."""

    def __init__(self, scenes: list[list[Box]]) -> None:
        super().__init__(scenes, live=True)
        self.taken = threading.Semaphore(1)

    def __iter__(self) -> Iterator[Frame]:
        for frame in super().__iter__():
            self.taken.acquire()
            yield frame


def room(**sections: object) -> EngineRoom:
    return stand_in_room(Config(**{"detector": DetectorConfig(every=5), **sections}))  # type: ignore[arg-type]


REFINED = {"refiner": RefinerConfig(enabled=True)}
SETTINGS = {
    "plain": {},
    "refined": REFINED,
    "refined from priors": {**REFINED, "estimator": EstimatorConfig(when="new")},
}


@pytest.mark.parametrize("sections", SETTINGS.values(), ids=SETTINGS)
def test_each_camera_has_the_poses_that_it_would_have_alone(sections: dict[str, object]) -> None:
    scenes = {f"c{n}": walk(30, people=n, speed=0.5 * n) for n in (1, 2, 3)}
    for boxes in scenes["c2"][12:]:
        boxes.pop()
    sources = {name: HandedOut(s) for name, s in scenes.items()}
    got = Results()

    def on_result(name: str, result: FrameResult) -> None:
        got(name, result)
        sources[name].taken.release()

    openers = {name: (lambda s=source: s) for name, source in sources.items()}
    with CameraGroup(room(**sections), openers, on_result) as group:
        for name in scenes:
            got.wait(name, 30)
        batches, frames = group.batches
    assert frames == 90
    assert batches < 90
    for name, boxes in scenes.items():
        alone = list(Pipeline(room=room(**sections)).run(SceneSource(boxes)))
        for a, b in zip(alone, got.of[name], strict=True):
            assert a.frame.index == b.frame.index
            assert a.detected == b.detected
            assert np.array_equal(a.poses.track_ids, b.poses.track_ids)
            assert np.array_equal(a.poses.keypoints, b.poses.keypoints, equal_nan=True)


def endless(period_s: float, **more: object) -> Callable[[], SceneSource]:
    return lambda: SceneSource(walk(5000, speed=0.01), live=True, period_s=period_s, **more)  # type: ignore[arg-type]


class Dead(SceneSource):
    """A camera that is connected and sends nothing."""

    def __init__(self) -> None:
        super().__init__([], live=True)

    def __iter__(self) -> Iterator[Frame]:
        self._closed.wait()
        return iter(())


def test_a_dead_and_a_fast_camera_take_nothing_from_the_others() -> None:
    work = room()
    estimate = work.estimator.estimate_many
    work.estimator.estimate_many = (  # type: ignore[method-assign]
        lambda *given: (time.sleep(0.02), estimate(*given))[1]
    )
    openers = {"a": endless(0.02), "dead": Dead, "fast": endless(0.001), "b": endless(0.02)}
    got = Results()
    with CameraGroup(work, openers, got) as group:
        got.wait("fast", 60)
        counts = {name: len(got.of[name]) for name in openers}
        states = {s.name: s for s in group.states()}
    assert counts["dead"] == 0
    assert min(counts["a"], counts["b"]) >= 0.7 * counts["fast"]
    assert states["dead"].state == "connecting"
    assert states["fast"].dropped > states["a"].dropped
    assert states["fast"].state == states["a"].state == "live"


def test_a_failing_camera_is_shown_and_harms_no_other() -> None:
    got = Results()
    openers = {"good": endless(0.002), "bad": endless(0.001, fails_after=3)}
    with CameraGroup(room(), openers, got) as group:
        got.wait("good", 50)
        bad = group.cameras["bad"].state()
        assert group.alive
    assert (bad.state, bad.wanted) == ("failed", True)
    assert bad.error == "scenes: ended after frame 3"


def test_a_camera_can_be_stopped_and_started_and_is_new_then() -> None:
    got = Results()
    with CameraGroup(room(), {"a": endless(0.002), "b": endless(0.002)}, got) as group:
        camera = group.cameras["a"]
        got.wait("a", 20)
        camera.stop()
        camera.stop()
        assert camera.state().state == "stopped"
        assert not camera.state().wanted
        before = len(got.of["a"])
        got.wait("b", len(got.of["b"]) + 20)
        assert len(got.of["a"]) <= before + 1
        before = len(got.of["a"])
        camera.start()
        camera.start()
        after = got.wait("a", before + 20)[before:]
        assert camera.state().state == "live"
    ids = [
        {i for r in part for i in r.poses.track_ids.tolist()}
        for part in (got.of["a"][:before], after)
    ]
    assert ids[0] == {1, 2}
    assert ids[1] == {3, 4}
    assert {r.frame.epoch for r in after} == {1}


def test_started_again_at_once_after_a_stop() -> None:
    got = Results()
    with CameraGroup(room(), {"a": endless(0.002)}, got) as group:
        for n in range(10):
            group.cameras["a"].stop()
            group.cameras["a"].start()
            got.wait("a", len(got.of["a"]) + 1)
            assert group.cameras["a"].state().state == "live", n


def test_stopped_before_it_was_ever_started() -> None:
    got = Results()
    group = CameraGroup(room(), {"a": endless(0.002)}, got)
    group.cameras["a"].stop()
    with group:
        got.wait("a", 3)
        assert group.cameras["a"].state().state == "live"


def test_a_failing_network_ends_the_group_and_is_named() -> None:
    work = room()

    def fail(image: object) -> None:
        raise ZeroDivisionError("oops")

    work.detector.detect = fail  # type: ignore[method-assign, assignment]
    group = CameraGroup(work, {"a": endless(0.002)}, Results())
    group.start()
    with pytest.raises(StageError, match="stage 'detect' failed: ZeroDivisionError: oops"):
        group.wait()
    assert not group.alive
    assert group.close() == []


def test_a_source_that_cannot_be_opened_is_refused_at_once() -> None:
    def refuse() -> SceneSource:
        raise InputError("cam: no such file")

    with pytest.raises(InputError, match="cam: no such file"):
        CameraGroup(room(), {"a": refuse}, Results())


def test_everything_ends_in_time_from_any_state() -> None:
    before = threading.active_count()
    openers = {"dead": Dead, "slow": endless(5.0), "fast": endless(0.0005)}
    group = CameraGroup(room(), openers, Results())
    group.start()
    time.sleep(0.1)
    started = time.monotonic()
    assert group.close() == []
    assert time.monotonic() - started < 2
    assert threading.active_count() == before


class Stuck(SceneSource):
    """A camera whose decoder hears of no stop for a while."""

    def __init__(self) -> None:
        super().__init__([], live=True)
        self.release = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        self.release.wait(20)
        return iter(())


def test_a_decoder_that_hangs_is_named_and_left_behind() -> None:
    stuck = Stuck()
    group = CameraGroup(room(), {"a": endless(0.002), "stuck": lambda: stuck}, Results())
    group.start()
    assert group.close(0.2) == ["stuck"]
    stuck.release.set()
    assert group.cameras["stuck"].join(20)


def test_an_overloaded_engine_stops_between_two_networks() -> None:
    work, third, calls = room(), threading.Event(), []
    find = work.detector.detect

    def slow(image: NDArray[np.uint8]) -> Detections:
        calls.append(image)
        if len(calls) == 3:
            third.set()
        time.sleep(0.1)
        return find(image)

    work.detector.detect = slow  # type: ignore[method-assign]
    group = CameraGroup(work, {str(n): endless(0.01) for n in range(8)}, Results())
    group.start()
    assert third.wait(20)
    group.stop()
    assert group.close() == []
    assert len(calls) <= 5
    group.wait()


def test_what_a_camera_has_done_is_told() -> None:
    got = Results()
    with CameraGroup(room(), {"a": endless(0.002)}, got) as group:
        got.wait("a", 30)
        state = group.states()[0]
    assert state.tracked >= 30
    assert state.decoded >= state.tracked + state.dropped
    assert state.people == 2
    assert {"last", "p50", "p95", "p99", "max"} == set(state.age_ms)
    assert {"wait", "detect", "estimate", "track"} == set(state.stage_ms)
    assert (state.width, state.height) == (200, 120)
    assert state.decoded_fps > 0
    assert state.tracked_fps > 0
