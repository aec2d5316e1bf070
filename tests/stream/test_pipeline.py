from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from steadypose import Frame
from steadypose.configs import Config, DetectorConfig
from steadypose.errors import EngineError, SourceError, StageError
from steadypose.stream.following import Follower
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.records import FrameResult
from tests.stream.stand_ins import SceneSource, stand_in_room, walk


def pipeline(every: int = 5) -> Pipeline:
    config = Config(detector=DetectorConfig(every=every))
    return Pipeline(room=stand_in_room(config))


def results(every: int = 5, **source: object) -> list[FrameResult]:
    return list(pipeline(every).run(SceneSource(**source)))  # type: ignore[arg-type]


def test_every_frame_once_and_in_order_with_steady_ids() -> None:
    got = results(scenes=walk(30))
    assert [r.frame.index for r in got] == list(range(30))
    assert {tuple(r.poses.track_ids.tolist()) for r in got} == {(1, 2)}


def test_boxes_and_joints_follow_between_detections() -> None:
    scenes = walk(30)
    got = results(every=30, scenes=scenes)
    assert sum(r.detected for r in got) < 10
    for result, boxes in zip(got, scenes, strict=True):
        order = np.argsort(result.poses.boxes[:, 0])
        assert np.abs(result.poses.boxes[order] - np.array(boxes)).max() < 4
        hips = result.poses.keypoints[order][:, 11:13].mean(1)
        assert np.abs(hips[:, 0] - (np.array(boxes)[:, 0] + 12)).max() < 3


@pytest.mark.parametrize("every", [1, 3, 7])
def test_the_detector_keeps_its_cadence(every: int) -> None:
    work = pipeline(every)
    got = list(work.run(SceneSource(walk(21))))
    assert [r.frame.index for r in got if r.detected] == list(range(0, 21, every))
    assert work.room.detector.looks == len(range(0, 21, every))  # type: ignore[attr-defined]


def test_a_part_is_looked_at_where_the_whole_is() -> None:
    class Part(SceneSource):
        def __iter__(self) -> Iterator[Frame]:
            return (replace(frame, index=frame.index + 5) for frame in super().__iter__())

    got = list(pipeline(4).run(Part(walk(16))))
    assert [r.frame.index for r in got if r.detected] == [5, 8, 12, 16, 20]


def test_a_lost_person_brings_a_look_before_its_time() -> None:
    scenes = walk(40)
    for boxes in scenes[12:]:
        boxes.pop()
    got = results(every=20, scenes=scenes)
    looks = [r.frame.index for r in got if r.detected]
    assert looks[0] == 0
    assert 12 <= looks[1] < 20
    assert len(got[-1].poses) == 1


def test_two_runs_give_the_same() -> None:
    scenes = walk(25, people=3)
    first, second = results(scenes=scenes), results(scenes=scenes)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.poses.track_ids, b.poses.track_ids)
        assert np.array_equal(a.poses.keypoints, b.poses.keypoints)
        assert np.array_equal(a.poses.boxes, b.poses.boxes)


def test_a_source_without_people_and_one_without_frames() -> None:
    assert [len(r.poses) for r in results(scenes=[[], [], []])] == [0, 0, 0]
    assert results(scenes=[]) == []


def test_a_failing_source_gives_all_before_the_failure() -> None:
    run = pipeline().run(SceneSource(walk(20), fails_after=13))
    frames = iter(run)
    assert [next(frames).frame.index for _ in range(13)] == list(range(13))
    with pytest.raises(SourceError, match="ended after frame 13"):
        next(frames)


@pytest.mark.parametrize("at", [0, 7])
@pytest.mark.parametrize("stage", ["detect", "estimate", "track"])
def test_a_failing_stage_ends_the_run_and_is_named(
    stage: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = threading.active_count()
    run = pipeline(1).run(SceneSource(walk(50)))
    name = {"detect": "_look", "estimate": "_sight", "track": "_track"}[stage]
    work, calls = getattr(Follower, name), 0

    def fail(self: Follower, *given: object) -> object:
        nonlocal calls
        calls += 1
        if calls > at:
            raise ZeroDivisionError("oops")
        return work(self, *given)

    monkeypatch.setattr(Follower, name, fail)
    with pytest.raises(StageError, match=f"stage '{stage}' failed: ZeroDivisionError: oops"):
        list(run)
    assert threading.active_count() == before


def test_our_own_errors_come_through_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    work = pipeline()

    def refuse(image: object) -> None:
        raise EngineError("net: refused")

    monkeypatch.setattr(work.room.detector, "detect", refuse)
    with pytest.raises(EngineError, match="net: refused"):
        list(work.run(SceneSource(walk(5))))


def test_leaving_the_loop_ends_all_threads() -> None:
    before = threading.active_count()
    for result in pipeline().run(SceneSource(walk(500))):
        if result.frame.index == 3:
            break
    assert threading.active_count() == before


def test_stop_from_another_thread_ends_the_loop_quietly() -> None:
    run = pipeline().run(SceneSource(walk(10_000), period_s=0.002))
    threading.Timer(0.2, run.stop).start()
    started = time.monotonic()
    got = list(run)
    assert 0 < len(got) < 10_000
    assert time.monotonic() - started < 2.2


def test_a_run_that_was_never_begun_closes() -> None:
    with pipeline().run(SceneSource(walk(3))):
        pass


def test_a_run_can_be_iterated_once() -> None:
    run = pipeline().run(SceneSource(walk(3)))
    list(run)
    with pytest.raises(RuntimeError, match="once"):
        list(run)


def test_nobody_is_carried_over_into_a_new_epoch() -> None:
    got = results(every=1, scenes=walk(20), epoch_of=lambda index: index // 10)
    first = {i for r in got[:10] for i in r.poses.track_ids.tolist()}
    second = {i for r in got[10:] for i in r.poses.track_ids.tolist()}
    assert first == {1, 2}
    assert second == {3, 4}


def test_a_live_source_drops_frames_before_detection_and_counts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = pipeline()
    estimate = work.room.estimator.estimate_many
    monkeypatch.setattr(
        work.room.estimator, "estimate_many", lambda *a: (time.sleep(0.02), estimate(*a))[1]
    )
    run = work.run(SceneSource(walk(100, speed=0.2), live=True, period_s=0.004))
    got = list(run)
    assert len(got) + run.dropped == 100
    assert run.dropped > 10
    indices = [r.frame.index for r in got]
    assert indices == sorted(indices)
    assert {tuple(r.poses.track_ids.tolist()) for r in got} == {(1, 2)}
    assert max(r.age_s for r in got) < 1.0


def test_each_stage_says_how_long_it_worked() -> None:
    run = pipeline(2).run(SceneSource(walk(10)))
    got = list(run)
    assert set(got[0].stage_s) == {"decode", "detect", "estimate", "track"}
    assert "detect" not in got[1].stage_s
    assert run.times.stages["estimate"].count == 10
    assert set(run.waits()) == {"decode", "detect", "estimate", "track"}


def test_frames_of_changing_size() -> None:
    source = SceneSource(walk(10))
    frames = list(source)
    grown = [
        replace(f, image=np.pad(f.image, ((0, 40), (0, 60), (0, 0)))) if f.index > 4 else f
        for f in frames
    ]
    source.__class__ = type("Grown", (SceneSource,), {"__iter__": lambda self: iter(grown)})
    assert [r.frame.width for r in pipeline().run(source)] == [200] * 5 + [260] * 5
