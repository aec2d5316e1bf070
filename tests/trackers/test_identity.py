"""Who is who: crossings, occlusion, duplicates, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from steadypose.errors import InputError
from steadypose.poses import NO_TRACK, Poses
from steadypose.trackers import PoseTracker
from tests.trackers.figures import figures

WALKING_PX_S = 120.0


def noisy(poses: Poses, rng: np.random.Generator, share: float = 0.01) -> Poses:
    """The same people with jitter of joints and boxes, in shares of their height."""
    tall = (poses.boxes[:, 3] - poses.boxes[:, 1])[:, None]
    keypoints = poses.keypoints + rng.normal(0, 1, poses.keypoints.shape) * share * tall[..., None]
    boxes = poses.boxes + rng.normal(0, 1, poses.boxes.shape) * share * tall
    return Poses.create(keypoints, poses.scores, boxes, poses.box_scores)


@pytest.mark.parametrize("fps", [25, 12, 6])
@pytest.mark.parametrize("hidden", [False, True], ids=["both-seen", "one-hidden"])
def test_people_who_cross_keep_their_ids(fps: int, hidden: bool) -> None:
    tracker, rng = PoseTracker(), np.random.default_rng(0)
    for i in range(4 * fps + 1):
        way = WALKING_PX_S * (i / fps - 2)
        walkers = figures([(way, 200), (-way, 215)])
        behind = hidden and abs(2 * way) < 60
        seen = noisy(walkers[1:] if behind else walkers, rng)
        ids = tracker.update(seen, i / fps).track_ids.tolist()
        assert ids == ([2] if behind else [1, 2])


@pytest.mark.parametrize("fps", [25, 12, 6])
def test_a_walker_hidden_for_a_second_keeps_the_id(fps: int) -> None:
    tracker, rng = PoseTracker(), np.random.default_rng(1)
    for i in range(4 * fps):
        seen = noisy(figures([(WALKING_PX_S * i / fps, 200), (300, 220)]), rng)
        hidden = 2 * fps <= i < 3 * fps
        ids = tracker.update(seen[1:] if hidden else seen, i / fps).track_ids.tolist()
        assert ids == ([2] if hidden else [1, 2])


def test_a_stranger_at_the_place_of_a_lost_person_gets_a_new_id() -> None:
    tracker = PoseTracker()
    for i in range(25):
        tracker.update(figures([(100, 200)]), i / 25)
    for i in range(25, 50):
        people = tracker.update(figures([(330, 200)], height=120), i / 25)
    assert people.track_ids.tolist() == [2]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["first", "second"])
def test_of_duplicates_the_better_is_kept(order: list[int]) -> None:
    tracker = PoseTracker()
    double = figures([(100, 200), (103, 200)], score=[0.9, 0.7])[order]
    for i in range(3):
        people = tracker.update(double, i / 25)
        assert people.track_ids.tolist() == [1]
        assert people.box_scores.tolist() == pytest.approx([0.9])


@pytest.mark.parametrize(
    ("x", "frame_size", "the_same"),
    [
        (610, (480, 640), True),
        (540, (480, 640), False),
        (540, None, True),
        (540, (480, 900), True),
    ],
    ids=["at-the-edge", "in-the-middle", "edge-unknown", "edge-far-away"],
)
def test_who_left_the_picture_comes_back_by_the_edge(
    x: float, frame_size: tuple[int, int] | None, the_same: bool
) -> None:
    tracker = PoseTracker()
    for i in range(25):
        tracker.update(figures([(520 + 4 * i, 200)]), i / 25, frame_size=frame_size)
    for i in range(25, 45):
        tracker.update(figures([]), i / 25, frame_size=frame_size)
    for i in range(45, 60):
        back = figures([(x - 2 * (i - 45), 200)])
        ids = tracker.update(back, i / 25, frame_size=frame_size).track_ids.tolist()
    assert ids == [1 if the_same else 2]


@pytest.mark.parametrize("frame_size", [(0, 640), (480, -1)])
def test_a_picture_has_a_size(frame_size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="frame_size: expected height and width above 0"):
        PoseTracker().update(figures([(100, 200)]), 0.0, frame_size=frame_size)


def test_people_who_overlap_are_no_duplicates() -> None:
    couple = figures([(100, 200), (130, 205)])
    assert PoseTracker().update(couple, 0.0).track_ids.tolist() == [1, 2]


@pytest.mark.parametrize("second_detected", [True, False])
def test_a_pose_found_on_who_stands_before_is_dropped_unless_detected(
    second_detected: bool,
) -> None:
    tracker = PoseTracker()
    for i in range(10):
        assert len(tracker.update(figures([(100, 200), (160, 200)]), i / 25)) == 2
    # The second walks behind the first: his crop holds a bit of both.
    close = figures([(100, 200), (108, 200)], score=[0.8, 0.9])
    people = tracker.update(close, 0.4, detected=np.array([True, second_detected]))
    assert len(people) == 1 + second_detected
    assert people.keypoints[0].tolist() == close.keypoints[0].tolist()


def test_predicting_and_matching_change_nothing() -> None:
    one, other = PoseTracker(), PoseTracker()
    for i in range(20):
        people = figures([(100 + 5 * i, 200), (400 - 5 * i, 210)])
        for pts in (i / 25, i / 25 + 0.7, i / 25 - 0.1, 1e6):
            one.predict(pts)
            one.match_preliminary(people, pts)
        mine, yours = one.update(people, i / 25), other.update(people, i / 25)
        assert mine.track_ids.tolist() == yours.track_ids.tolist()
    assert np.array_equal(one.predict(1.0).keypoints, other.predict(1.0).keypoints)


def test_predictions_cannot_be_written_to() -> None:
    tracker = PoseTracker()
    tracker.update(figures([(100, 200)]), 0.0)
    with pytest.raises(ValueError, match="read-only"):
        tracker.predict(0.0).keypoints[:] = 0


def test_preliminary_match_names_the_tracks() -> None:
    tracker = PoseTracker()
    for i in range(5):
        tracker.update(figures([(100 + 5 * i, 200), (400, 210)]), i / 25)
    people = figures([(400, 210), (900, 210), (125, 200)])
    assert tracker.match_preliminary(people, 0.2).tolist() == [2, NO_TRACK, 1]


def test_prediction_goes_on_and_grows_unsure() -> None:
    tracker = PoseTracker()
    for i in range(25):
        tracker.update(figures([(100 + 4 * i, 200)]), i / 25)
    soon, later = tracker.predict(1.0), tracker.predict(1.4)
    assert soon.keypoints[0, :, 0].mean() == pytest.approx(200, abs=3)
    assert soon.keypoints[0, :, 0].mean() < later.keypoints[0, :, 0].mean() < 250
    assert (later.keypoint_var > soon.keypoint_var).all()
    assert soon.scores[0].tolist() == pytest.approx([0.8] * 17)


def test_a_joint_unseen_for_long_is_missing_again() -> None:
    tracker, feet = PoseTracker(), [15, 16]
    for i in range(160):
        people = figures([(100, 200)])
        if i >= 25:
            people.scores[:, feet] = 0
        tracker.update(people, i / 25)
        expected = tracker.predict(i / 25)
        missing = np.isnan(expected.keypoints[0, feet]).all()
        assert missing == np.isnan(expected.keypoint_var[0, feet]).all()
        if i == 27:
            assert not missing
    assert missing
    assert (expected.scores[0, feet] == 0).all()
    tracker.update(figures([(100, 200)]), 6.4)
    assert np.isfinite(tracker.predict(6.4).keypoints).all()


# A scene: people who walk at random, come and go, are missed and doubled.
scenes = st.integers(0, 2**32 - 1)


def scene(seed: int, frames: int = 25) -> list[tuple[Poses, float]]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    start, speed = rng.uniform(0, 500, (n, 2)), rng.normal(0, 150, (n, 2))
    height, pts, out = rng.uniform(80, 250, n), 0.0, []
    for _ in range(frames):
        here = rng.random(n) < 0.85
        rows = np.concatenate([np.flatnonzero(here), np.flatnonzero(rng.random(n) < 0.1)])
        people = figures((start + speed * pts)[rows], height[rows], rng.uniform(0, 1, len(rows)))
        out.append((noisy(people, rng, 0.02), pts))
        pts += float(rng.choice([0.0, 0.04, 0.08, 0.5]))
    return out


@given(seed=scenes)
@settings(max_examples=25, deadline=None)
def test_ids_are_unique_and_rows_are_the_given_ones(seed: int) -> None:
    tracker, rng = PoseTracker(), np.random.default_rng(seed)
    for poses, pts in scene(seed):
        people = tracker.update(poses, pts, detected=rng.random(len(poses)) < 0.7)
        ids = people.track_ids.tolist()
        assert len(set(ids)) == len(ids)
        assert all(i >= 1 for i in ids)
        given_rows = poses.boxes.tolist()
        rows = [given_rows.index(box) for box in people.boxes.tolist()]
        assert rows == sorted(rows)


@given(seed=scenes)
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_people_permutes_the_rows_alone(seed: int) -> None:
    one, other, rng = PoseTracker(), PoseTracker(), np.random.default_rng(seed)
    for poses, pts in scene(seed):
        order = rng.permutation(len(poses))
        mine, yours = one.update(poses, pts), other.update(poses[order], pts)
        assert named(mine) == named(yours)


def named(poses: Poses) -> dict[int, tuple[float, ...]]:
    return {int(i): tuple(box) for i, box in zip(poses.track_ids, poses.boxes, strict=True)}


@given(
    seed=scenes,
    shift=st.tuples(*[st.integers(-2000, 2000)] * 2),
    doublings=st.integers(-2, 3),
)
@settings(max_examples=20, deadline=None)
def test_place_and_scale_do_not_matter(seed: int, shift: tuple[int, int], doublings: int) -> None:
    one, other, scale = PoseTracker(), PoseTracker(), 2.0**doublings
    for poses, pts in scene(seed):
        moved = Poses.create(
            poses.keypoints * scale + np.array(shift),
            poses.scores,
            poses.boxes * scale + np.array([*shift, *shift]),
            poses.box_scores,
        )
        mine, yours = one.update(poses, pts), other.update(moved, pts)
        assert mine.track_ids.tolist() == yours.track_ids.tolist()
        assert one.needs_detection() == other.needs_detection()


@given(
    seed=scenes,
    at=st.integers(0, 24),
    wrong=st.sampled_from([np.nan, np.inf, -np.inf, 1e30, -1.0, 0.0]),
)
@example(seed=0, at=0, wrong=1e30)
@settings(max_examples=30, deadline=None)
def test_wrong_numbers_do_no_lasting_harm(seed: int, at: int, wrong: float) -> None:
    tracker, rng = PoseTracker(), np.random.default_rng(seed)
    for i, (poses, pts) in enumerate(scene(seed)):
        if i == at:
            for array in (poses.keypoints, poses.scores, poses.boxes, poses.box_scores):
                array[rng.random(array.shape) < 0.3] = wrong
        tracker.update(poses, pts)
        expected = tracker.predict(pts + 0.1)
        assert np.isfinite(expected.boxes).all()
        assert (expected.boxes[:, 2:] > expected.boxes[:, :2]).all()
