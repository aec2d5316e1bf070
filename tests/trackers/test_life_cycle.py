"""When a person gets an id, keeps it and loses it."""

from __future__ import annotations

import numpy as np
import pytest

from steadypose.errors import InputError
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import POSETRACK17
from steadypose.trackers import PoseTracker, TrackerSettings
from tests.trackers.figures import figures, without_joints

HERE, THERE = (100.0, 200.0), (600.0, 200.0)
STEP_S = 0.04


def ids_over(
    tracker: PoseTracker, frames: list[Poses], *, start_s: float = 0.0, step_s: float = STEP_S
) -> list[list[int]]:
    """Ids of each frame's people; every frame has been through a detector."""
    return [
        tracker.update(poses, start_s + i * step_s).track_ids.tolist()
        for i, poses in enumerate(frames)
    ]


def started() -> PoseTracker:
    """A tracker past its first period, with nobody in sight; the time is 1 s."""
    tracker = PoseTracker()
    tracker.update(Poses.empty(), 0.0)
    tracker.update(Poses.empty(), 1.0)
    return tracker


# Each letter is one frame of a person who stands still: D confidently detected, w weakly detected,
# u detected too weakly to count, . missed. Below it: whether the person is in the output.
@pytest.mark.parametrize(
    ("fresh", "seen", "shown"),
    [
        (True, "DDDD", "1111"),
        (True, "wwww", "0000"),
        (True, "D.D", "101"),
        (False, "DDDD", "0222"),
        (False, "D.DD", "0002"),
        (False, "wDD", "002"),
        (False, "DDww", "0222"),
        (False, "DDuu", "0200"),
        (False, "DD..D", "02002"),
        (False, "DD.w", "0202"),
    ],
    ids=str,
)
def test_ids_come_and_stay(fresh: bool, seen: str, shown: str) -> None:
    tracker = PoseTracker() if fresh else started()
    score = {"D": 0.9, "w": 0.25, "u": 0.05}
    frames = [figures([HERE], score=score[x]) if x in score else Poses.empty() for x in seen]
    ids = ids_over(tracker, frames, start_s=0.0 if fresh else 1.0 + STEP_S)
    assert ids == [[1] if x != "0" else [] for x in shown]


@pytest.mark.parametrize(
    ("gap_s", "kept"), [(0.5, True), (2.0, True), (3.9, True), (4.1, False), (3600.0, False)]
)
@pytest.mark.parametrize("frames_between", [True, False], ids=["looking", "not-looking"])
def test_a_lost_person_keeps_the_id_for_lost_s(
    gap_s: float, kept: bool, frames_between: bool
) -> None:
    tracker = PoseTracker()
    ids_over(tracker, [figures([HERE])] * 25)
    last = 24 * STEP_S
    if frames_between:
        for pts in np.linspace(last, last + gap_s, 30)[1:-1]:
            assert len(tracker.update(Poses.empty(), pts)) == 0
    back = last + gap_s
    tracker.update(figures([HERE]), back)
    ids = tracker.update(figures([HERE]), back + STEP_S).track_ids.tolist()
    assert ids == ([1] if kept else [2])


def test_a_new_person_gets_a_new_id() -> None:
    tracker = PoseTracker()
    frames = [figures([HERE])] * 30 + [figures([HERE, THERE])] * 3
    assert ids_over(tracker, frames)[-3:] == [[1], [1, 2], [1, 2]]


def test_ids_are_given_from_left_to_right_and_never_again() -> None:
    tracker = PoseTracker()
    assert tracker.update(figures([THERE, HERE]), 0.0).track_ids.tolist() == [2, 1]
    tracker.reset()
    assert tracker.update(figures([THERE, HERE]), 0.0).track_ids.tolist() == [4, 3]


def test_confirmed_at_birth_where_one_hit_is_enough() -> None:
    tracker = PoseTracker(TrackerSettings(confirm_hits=1, start_s=0))
    ids_over(tracker, [Poses.empty()] * 30)
    assert tracker.update(figures([HERE], score=0.45), 2.0).track_ids.tolist() == [1]


def test_people_without_an_id_are_returned_on_demand() -> None:
    tracker = PoseTracker(TrackerSettings(output_unconfirmed=True))
    tracker.update(figures([HERE]), 0.0)
    for pts in (0.5, 1.0):
        tracker.update(figures([HERE]), pts)
    out = tracker.update(figures([HERE, THERE]), 1.04)
    assert out.track_ids.tolist() == [1, NO_TRACK]


def test_a_false_alarm_of_one_frame_is_never_shown() -> None:
    tracker = PoseTracker()
    frames = [figures([HERE])] * 30 + [figures([HERE, THERE]), figures([HERE])] * 5
    assert all(ids == [1] for ids in ids_over(tracker, frames))


@pytest.mark.parametrize(
    ("score_of_the_rest", "shown"), [(0.1, [1]), (0.8, [1, 2])], ids=["guesses", "joints"]
)
def test_a_second_box_on_a_person_is_nobody_new(score_of_the_rest: float, shown: list[int]) -> None:
    tracker, upper = PoseTracker(), slice(0, 11)
    person = figures([HERE])
    box = person.boxes + np.array([-60, -10, 5, 10])
    wider = Poses.create(person.keypoints, person.scores, box, [0.6])
    wider.keypoints[:, upper] -= [45, 0]  # legs and hips are the person's, the rest is beside it
    wider.scores[:, upper] = score_of_the_rest
    frames = [person] * 30 + [Poses.concatenate([person, wider])] * 5
    assert ids_over(tracker, frames)[-1] == shown


def test_a_second_look_at_the_same_moment() -> None:
    tracker = PoseTracker()
    for _ in range(3):
        assert tracker.update(figures([HERE, THERE]), 5.0).track_ids.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("back_s", "kept"), [(0.04, True), (3.5, True), (4.5, False), (1e6, False)]
)
def test_time_going_back(back_s: float, kept: bool) -> None:
    tracker = PoseTracker()
    ids_over(tracker, [figures([HERE])] * 30, start_s=100.0)
    now = 100.0 + 29 * STEP_S - back_s
    people = tracker.update(figures([HERE]), now)
    assert people.track_ids.tolist() == ([1] if kept else [2])
    # The clock has followed: the next step forward counts from there.
    assert tracker.predict(now + 1.0).unseen_s.tolist() == pytest.approx([1.0])


def test_a_jump_of_the_clock_asks_for_a_detection() -> None:
    tracker = PoseTracker()
    tracker.update(figures([HERE]), 0.0)
    assert not tracker.needs_detection()
    assert len(tracker.update(figures([HERE]), 3600.0, detected=False)) == 0
    assert tracker.needs_detection()


@pytest.mark.parametrize("pts", [np.nan, np.inf, -np.inf])
def test_a_time_that_is_none_is_refused(pts: float) -> None:
    tracker = PoseTracker()
    with pytest.raises(InputError, match="pts_s"):
        tracker.update(figures([HERE]), pts)
    with pytest.raises(InputError, match="pts_s"):
        tracker.predict(pts)


def test_another_skeleton_is_refused() -> None:
    with pytest.raises(InputError, match="skeleton posetrack17, got coco17"):
        PoseTracker(skeleton=POSETRACK17).update(figures([HERE]), 0.0)


def test_reset_begins_an_epoch() -> None:
    tracker = PoseTracker()
    tracker.update(figures([HERE]), 0.0)
    assert tracker.predict(0.04).epoch == 0
    tracker.reset()
    assert (tracker.predict(0.04).epoch, len(tracker.predict(0.04))) == (1, 0)
    assert tracker.needs_detection()
    tracker.reset(7)
    assert tracker.predict(0.04).epoch == 7


def test_nobody_at_all() -> None:
    tracker = PoseTracker()
    for i in range(3):
        assert len(tracker.update(Poses.empty(), i * STEP_S, detected=i == 0)) == 0
    assert len(tracker.predict(1.0)) == 0
    assert tracker.match_preliminary(Poses.empty(), 1.0).shape == (0,)


def test_boxes_alone_can_be_tracked() -> None:
    tracker = PoseTracker()
    for i in range(20):
        walkers = figures([(100 + 4 * i, 200), (600 - 4 * i, 200)])
        people = tracker.update(without_joints(walkers), i * STEP_S)
        assert people.track_ids.tolist() == [1, 2]
    expected = tracker.predict(20 * STEP_S)
    assert np.isnan(expected.keypoints).all()
    assert expected.boxes[0].mean() == pytest.approx(180 / 2 + 200 / 2, abs=3)


def test_a_row_with_neither_box_nor_joints_is_left_out() -> None:
    people = without_joints(figures([HERE, THERE]))
    people.boxes[0] = np.nan
    assert PoseTracker().update(people, 0.0).boxes.tolist() == people.boxes[1:].tolist()


def test_a_box_of_no_area_is_replaced_by_that_of_the_joints() -> None:
    people = figures([HERE])
    people.boxes[:] = 0
    tracker = PoseTracker()
    tracker.update(people, 0.0)
    x1, y1, x2, y2 = tracker.predict(0.0).boxes[0]
    assert (x1, x2) == pytest.approx((70, 130), abs=1)
    assert (y1, y2) == pytest.approx((112, 292), abs=1)


@pytest.mark.parametrize("fps", [6, 25, 120])
def test_who_shrinks_when_lost_does_not_dwindle(fps: int) -> None:
    tracker = PoseTracker()
    heights = np.linspace(200, 40, 2 + fps // 5)
    frames = [figures([HERE, THERE], height=height) for height in (*heights[:1] * 3, *heights)]
    ids_over(tracker, frames, step_s=1 / fps)
    seen = tracker.predict(len(frames) / fps).sizes
    ids_over(tracker, [Poses.empty()] * 3 * fps, start_s=len(frames) / fps, step_s=1 / fps)
    assert all(tracker.predict(len(frames) / fps + 3).sizes > seen / 5)


def test_scores_that_are_not_numbers_count_as_none() -> None:
    people = figures([HERE, THERE])
    people.box_scores[0] = np.nan
    people.scores[1, :5] = np.nan
    assert PoseTracker().update(people, 0.0).boxes.tolist() == people.boxes[1:].tolist()


def test_who_was_seen_in_the_last_frame_is_followed_however_slow_the_frames() -> None:
    tracker = PoseTracker()
    points = np.random.default_rng(0).uniform(0, 1, (1, 17, 2)) * (40, 100) + 50
    poses = Poses.create(points, boxes=[[50, 50, 90, 150]], box_scores=[0.9])
    for pts_s in (0.0, 0.5, 1.0):
        tracker.update(poses, pts_s)
    assert tracker.predict(1.8).followed.tolist() == [True]
    tracker.update(Poses.empty(), 1.8)
    assert tracker.predict(1.9).followed.tolist() == [False]
