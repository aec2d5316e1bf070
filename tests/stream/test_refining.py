"""The refine stage: who is estimated, who is refined, and with what prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose import Frame, Poses, PoseTracker
from steadypose.configs import Config, DetectorConfig, EstimatorConfig, RefinerConfig
from steadypose.engines.refiner.priors import prior_certainty
from steadypose.errors import StageError
from steadypose.mapping import map_poses
from steadypose.skeletons import COCO17, COCO19, POSETRACK17
from steadypose.stream.people import Candidates
from steadypose.stream.pipeline import Pipeline, Run
from steadypose.stream.posing import Poser, Sight, priors_of
from steadypose.stream.records import FrameResult
from steadypose.stream.steps import Steps, alone
from tests.stream.stand_ins import (
    Box,
    FigureNetwork,
    FigureRefiner,
    SceneSource,
    scene,
    stand_in_room,
    walk,
)


class Work:
    """A pipeline with a refiner, and what its networks were asked."""

    def __init__(
        self,
        when: str = "always",
        every: int = 5,
        threshold: float = 0.0,
        hold: int = 0,
        *,
        prior: bool = True,
        refined: bool = True,
    ) -> None:
        config = Config(
            detector=DetectorConfig(every=every),
            # The stand-ins lay their figure into what a crop shows, and a crop of the grid may end
            # a little inside a narrow box.
            estimator=EstimatorConfig(when=when, hold=hold, steady_crops=False),
            refiner=RefinerConfig(enabled=refined, threshold=threshold, prior=prior),
        )
        self.pipeline = Pipeline(room=stand_in_room(config))
        room = self.pipeline.room
        self.network: FigureNetwork = room.estimator.network  # type: ignore[assignment]
        engine = room.refiner.engine if room.refiner is not None else FigureRefiner()
        self.refiner: FigureRefiner = engine  # type: ignore[assignment]
        self.estimated: list[int] = []
        self.with_prior: list[int] = []
        self.from_prior: list[int] = []
        self.evidence: list[NDArray[np.float32]] = []

    def run(self, scenes: Sequence[Sequence[Box]], **source: object) -> list[FrameResult]:
        """Results; the lists then hold the numbers of people frame by frame."""
        refine = Poser.poses
        network, refiner = self.network, self.refiner

        def counted(poser: Poser, sight: object) -> Steps[tuple[Poses, NDArray[np.float32]]]:
            before = (network.people, refiner.with_prior, refiner.from_prior)
            found = yield from refine(poser, sight)  # type: ignore[arg-type]
            after = (network.people, refiner.with_prior, refiner.from_prior)
            for numbers, a, b in zip(
                (self.estimated, self.with_prior, self.from_prior), before, after, strict=True
            ):
                numbers.append(b - a)
            self.evidence.append(found[1])
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Poser, "poses", counted)
            return list(self.pipeline.run(SceneSource(scenes, **source)))  # type: ignore[arg-type]


def test_refined_poses_are_tracked_and_have_head_and_neck() -> None:
    work = Work()
    got = work.run(walk(20))
    assert {r.poses.skeleton.name for r in got} == {"coco19"}
    assert {tuple(r.poses.track_ids.tolist()) for r in got} == {(1, 2)}
    assert all(r.poses.present.all() for r in got)
    assert work.refiner.with_pose == work.network.people == 40
    assert work.refiner.from_prior == 0


def test_priors_begin_with_the_second_frame() -> None:
    work = Work()
    work.run(walk(8))
    assert work.with_prior == [0, *[2] * 7]


def test_priors_can_be_switched_off() -> None:
    work = Work(prior=False)
    got = work.run(walk(8))
    assert work.with_prior == [0] * 8
    assert {tuple(r.poses.track_ids.tolist()) for r in got} == {(1, 2)}


@pytest.mark.parametrize("prior", [True, False])
def test_what_a_prior_adds_to_the_scores_is_no_evidence(prior: bool) -> None:
    work = Work(prior=prior)
    work.refiner.surer = 0.1
    got = work.run(walk(8))
    assert work.evidence[0].tolist() == [1, 1]
    share = 0.9 if prior else 1.0
    for evidence in work.evidence[1:]:
        np.testing.assert_allclose(evidence, share, rtol=1e-6)
    assert got[-1].poses.scores.min() == pytest.approx(1.0 if prior else 0.9)


def test_who_appears_has_no_prior() -> None:
    scenes = walk(12, people=3)
    for boxes in scenes[:5]:
        boxes.pop()
    work = Work(every=1)
    got = work.run(scenes)
    assert got[-1].poses.track_ids.tolist() == [1, 2, 3]
    assert work.with_prior == [0, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3]


def test_who_has_no_id_yet_has_no_prior() -> None:
    scenes = walk(25, people=2, speed=0.2)
    for boxes in scenes[:20]:
        boxes.pop()
    work = Work(every=1)
    work.run(scenes)
    # Later than half a second after the start it takes two sights to be confirmed.
    assert work.with_prior == [0, *[1] * 21, 2, 2, 2]


@pytest.mark.parametrize("every", [1, 5])
def test_new_estimates_only_whom_it_does_not_know(every: int) -> None:
    scenes = walk(20, people=3)
    for boxes in scenes[:10]:
        boxes.pop()
    work = Work("new", every=every)
    got = work.run(scenes)
    assert work.estimated[0] == 2
    assert sum(work.estimated[1:10]) == 0
    assert work.estimated[10] == 1
    assert sum(work.estimated[13:]) == 0
    assert work.from_prior[-1] == 3
    assert got[-1].poses.track_ids.tolist() == [1, 2, 3]


def test_new_gives_the_same_people_as_always() -> None:
    scenes = walk(30, people=3)
    always, new = Work().run(scenes), Work("new").run(scenes)
    for a, b in zip(always, new, strict=True):
        assert np.array_equal(a.poses.track_ids, b.poses.track_ids)
        assert np.abs(a.poses.keypoints - b.poses.keypoints).max() < 3


def test_who_is_not_sure_from_the_prior_is_estimated_in_the_same_frame() -> None:
    work = Work("new")
    work.refiner.blind = True
    got = work.run(walk(10))
    assert work.from_prior == [0, *[2] * 9]
    assert work.estimated == [2] * 10
    assert all((r.poses.scores > 0.8).all() for r in got)


@pytest.mark.parametrize(
    ("setting", "value"), [("sure_score", 0.95), ("sure_joints", 19)], ids=["mean", "joints"]
)
def test_the_measure_of_sureness_is_a_setting(setting: str, value: float) -> None:
    config = Config(
        estimator=EstimatorConfig(when="new", hold=0, **{setting: value}),  # type: ignore[arg-type]
        refiner=RefinerConfig(enabled=True),
    )
    room = stand_in_room(config)
    list(Pipeline(room=room).run(SceneSource(walk(6))))
    estimated = room.estimator.network.people  # type: ignore[attr-defined]
    assert estimated == (12 if setting == "sure_score" else 2)


def test_steady_people_are_looked_at_in_turn() -> None:
    looked_at = {}
    for hold in (0, 1, 3):
        work = Work("new", every=12, hold=hold)
        got = work.run(walk(36, people=4))
        assert {tuple(r.poses.track_ids.tolist()) for r in got} == {(1, 2, 3, 4)}
        assert all(r.poses.present.all() for r in got)
        assert sum(work.estimated[1:]) == 0
        # Everyone is looked at where the detector was; between, an even share.
        looked_at[hold] = [n for i, n in enumerate(work.from_prior) if i > 12 and i % 12]
    assert {hold: set(numbers) for hold, numbers in looked_at.items()} == {0: {4}, 1: {2}, 3: {1}}


def test_who_is_held_is_where_the_track_expects_them() -> None:
    scenes = walk(36, people=3)
    every, held = Work("new").run(scenes), Work("new", hold=2).run(scenes)
    for a, b in zip(every, held, strict=True):
        assert np.array_equal(a.poses.track_ids, b.poses.track_ids)
        assert np.abs(a.poses.keypoints - b.poses.keypoints).max() < 3


def test_nobody_is_held_where_frames_are_far_apart() -> None:
    work = Work("new", every=12, hold=3)
    work.run(walk(24, people=3, speed=0.2), fps=6.0)
    assert set(work.from_prior[1:]) == {3}


def test_without_a_refiner_new_holds_steady_people_and_estimates_the_rest() -> None:
    scenes = walk(36, people=4)
    every = Work(refined=False, every=12).run(scenes)
    estimated = {}
    for hold in (1, 3):
        work = Work("new", every=12, hold=hold, refined=False)
        got = work.run(scenes)
        estimated[hold] = [n for i, n in enumerate(work.estimated) if i > 12 and i % 12]
        assert [work.estimated[i] for i in (0, 12, 24)] == [4, 4, 4]
        for a, b in zip(every, got, strict=True):
            assert b.poses.skeleton.name == "coco17"
            assert np.array_equal(a.poses.track_ids, b.poses.track_ids)
            assert np.abs(a.poses.keypoints - b.poses.keypoints).max() < 3
            assert np.abs(a.poses.boxes - b.poses.boxes).max() < 3
    assert {hold: set(numbers) for hold, numbers in estimated.items()} == {1: {2}, 3: {1}}


def test_without_a_refiner_people_may_be_held_where_frames_are_far_apart() -> None:
    work = Work("new", every=12, hold=1, refined=False)
    work.run(walk(24, people=3, speed=0.2), fps=6.0)
    assert set(work.estimated[2:12]) == {2}  # half of three, rounded up


@pytest.mark.parametrize(("gap", "estimated"), [(30, 0), (14, 0), (8, 2)])
def test_who_is_covered_by_another_is_estimated(gap: float, estimated: int) -> None:
    work = Work("new", hold=3)
    room = work.pipeline.room
    tracker = room.tracker()
    poser = Poser(room, tracker)
    boxes = [(50.0 + x, 20.0, 74.0 + x, 100.0) for x in (0, gap)]
    points = np.array(boxes)[:, None, :2] + np.random.default_rng(0).uniform(0, 1, (19, 2)) * 24
    people = Poses.create(points, np.full((2, 19), 0.9), boxes, [0.9, 0.9], skeleton=COCO19)
    for pts_s in (0.0, 0.04):
        sight = Sight(
            frame=Frame(0, pts_s, 0.0, scene(boxes), "scenes"),
            where=Candidates(
                people.boxes, np.arange(2), np.zeros(2, bool), np.full(2, np.nan, np.float32)
            ),
            predictions=tracker.predict(pts_s),
            looked=False,
        )
        if pts_s:
            alone(work.pipeline.room, poser.poses(sight))
        else:
            poser.remember(tracker.update(people, pts_s), sight)
    assert work.network.people == estimated


def test_who_was_lost_from_sight_is_estimated_again() -> None:
    scenes = walk(16, people=2, speed=0.0)
    for boxes in scenes[6:10]:
        boxes.pop()
    work = Work("new", every=1)
    got = work.run(scenes)
    assert work.estimated[10] == 1
    assert work.estimated[12:] == [0] * 4
    assert got[-1].poses.track_ids.tolist() == [1, 2]


def test_nothing_is_expected_of_a_new_epoch() -> None:
    work = Work("new", every=1)
    got = work.run(walk(20), epoch_of=lambda index: index // 10)
    assert [i for i, n in enumerate(work.estimated) if n] == [0, 10]
    assert work.with_prior[10] == 0
    assert got[-1].poses.track_ids.tolist() == [3, 4]


@pytest.mark.parametrize("when", ["always", "new"])
def test_two_runs_give_the_same(when: str) -> None:
    first, second = (Work(when).run(walk(25, people=3)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.poses.track_ids, b.poses.track_ids)
        assert np.array_equal(a.poses.keypoints, b.poses.keypoints)
        assert np.array_equal(a.poses.scores, b.poses.scores)
        assert np.array_equal(a.poses.boxes, b.poses.boxes)


def test_joints_below_the_threshold_are_not_put_out() -> None:
    kept, dropped = Work(threshold=0.5).run(walk(4)), Work(threshold=0.95).run(walk(4))
    assert all(r.poses.present.all() for r in kept)
    assert not any(r.poses.present.any() for r in dropped)


def test_the_stage_has_a_time_and_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work("new", every=2)
    run = work.pipeline.run(SceneSource(walk(6)))
    got = list(run)
    assert list(got[0].stage_s) == ["decode", "detect", "estimate", "refine", "track"]
    assert set(run.waits()) == set(got[0].stage_s)
    assert run.times.stages["refine"].count == 6

    def fail(feeds: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(work.refiner, "infer", fail)
    with pytest.raises(StageError, match="stage 'refine' failed: ZeroDivisionError: oops"):
        list(work.pipeline.run(SceneSource(walk(6))))


def test_scenes_without_people() -> None:
    work = Work("new", every=1)
    assert [len(r.poses) for r in work.run([[], [], []])] == [0, 0, 0]
    assert (work.refiner.with_pose, work.network.people) == (0, 0)


def test_without_a_refiner_nothing_changes() -> None:
    run: Run = Pipeline(room=stand_in_room()).run(SceneSource(walk(3)))
    assert {r.poses.skeleton.name for r in run} == {"coco17"}
    assert "refine" not in run.waits()


def test_priors_are_what_the_track_expects_and_how_certain_it_is() -> None:
    tracker = PoseTracker(skeleton=COCO19)
    points = np.random.default_rng(2).uniform(0, 80, (1, 19, 2))
    points[0, 7] = np.nan
    scores = np.linspace(0.2, 0.9, 19)[None]
    boxes, sure = [[0, 0, 80, 80]], [0.9]
    tracker.update(Poses.create(points, scores, boxes, sure, skeleton=COCO19), 0.0)
    soon, late = (priors_of(tracker.predict(t)) for t in (0.04, 0.2))
    known = np.delete(np.arange(19), 7)
    assert not soon[0, 7].any()
    assert np.allclose(soon[0, known, :2], points[0, known], atol=1e-3)
    seen = tracker.predict(0.04)
    area = 0.53 * 80 * 80
    expected = prior_certainty(scores, seen.keypoint_var, area)
    assert np.allclose(soon[0, known, 2], expected[0, known])
    assert (late[0, known, 2] < soon[0, known, 2]).all()


def test_refined_joints_are_put_out_as_they_are() -> None:
    points = np.random.default_rng(4).uniform(0, 80, (2, 19, 3))
    poses = Poses.create(points, skeleton=COCO19)
    posetrack = map_poses(poses, POSETRACK17)
    for name, source in (("head_top", "head_top"), ("head_bottom", "neck"), ("nose", "nose")):
        there = posetrack.keypoints[:, POSETRACK17.index(name)]
        assert np.array_equal(there, poses.keypoints[:, COCO19.index(source)])
    assert np.array_equal(map_poses(poses, COCO17).keypoints, poses.keypoints[:, :17])
