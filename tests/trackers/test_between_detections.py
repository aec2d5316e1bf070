"""Frames at which no detector looked: the boxes are the tracker's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steadypose.errors import InputError
from steadypose.poses import Poses
from steadypose.trackers import PoseTracker, Predictions
from tests.trackers.figures import figures

STEP_S = 0.04
LEFT, RIGHT = (100.0, 200.0), (600.0, 200.0)


def tracking(middles: list[tuple[float, float]]) -> PoseTracker:
    """A tracker that has seen those people stand still for a second; it is now 1 s."""
    tracker = PoseTracker()
    for i in range(26):
        tracker.update(figures(middles), i * STEP_S)
    return tracker


def in_predicted_boxes(expected: Predictions, truth: Poses) -> Poses:
    """What the estimator finds in predicted boxes: the person there, under the predicted box."""
    return replace(truth, boxes=expected.boxes.astype(np.float32))


def test_nobody_is_born() -> None:
    tracker = tracking([LEFT])
    people = tracker.update(figures([LEFT, RIGHT]), 1.04, detected=False)
    assert people.track_ids.tolist() == [1]
    assert len(tracker.predict(1.08)) == 1


@pytest.mark.parametrize(("detected", "ids"), [(True, [1]), (False, [])])
def test_nobody_looks_where_somebody_was_lost(detected: bool, ids: list[int]) -> None:
    """A pose found there without a detection was found in the box of another track."""
    tracker = tracking([LEFT])
    for i in range(25):
        tracker.update(Poses.empty(), 1.04 + i * STEP_S)
    people = tracker.update(figures([LEFT]), 2.04, detected=detected)
    assert people.track_ids.tolist() == ids


@pytest.mark.parametrize("every", [5, 10])
@pytest.mark.parametrize("fps", [25, 12])
def test_ids_hold_and_boxes_follow(every: int, fps: int) -> None:
    tracker, speed = PoseTracker(), np.array([150.0, -60.0])
    for i in range(50):
        x = speed * i / fps
        truth = figures([(100 + x[0], 200), (900 + x[1], 230)])
        expected = tracker.predict(i / fps)
        if i % every == 0:
            people = tracker.update(truth, i / fps)
        else:
            assert np.abs(expected.boxes - truth.boxes).max() < 40
            found = in_predicted_boxes(expected, truth)
            people = tracker.update(found, i / fps, detected=False)
        assert people.track_ids.tolist() == [1, 2]
        assert not tracker.needs_detection()


def test_a_poor_pose_is_a_miss_and_asks_once() -> None:
    tracker = tracking([LEFT])
    poor = figures([LEFT], joint_score=0.1)
    asked = []
    for i in range(120):
        assert len(tracker.update(poor, 1.04 + i * STEP_S, detected=False)) == 0
        asked.append(tracker.needs_detection())
    assert asked == [True] + [False] * 119
    assert len(tracker.predict(1.04 + 120 * STEP_S)) == 0


def test_a_pose_that_fell_onto_another_is_a_miss() -> None:
    tracker = tracking([LEFT, (150.0, 200.0)])
    both_the_left = figures([LEFT, (103.0, 200.0)], joint_score=[0.8, 0.7])
    both_the_left.boxes[1] = figures([(150.0, 200.0)]).boxes[0]
    people = tracker.update(both_the_left, 1.04, detected=False)
    assert people.track_ids.tolist() == [1]
    assert people.keypoints[0, 0, 0] == pytest.approx(100)
    assert tracker.needs_detection()
    assert tracker.predict(1.04).unseen_s.tolist() == pytest.approx([0, 0.04])


def test_a_doubtful_pose_keeps_its_id_and_asks_not_too_often() -> None:
    tracker = tracking([LEFT])
    doubtful = figures([LEFT], joint_score=0.4)
    assert tracker.update(doubtful, 1.04, detected=False).track_ids.tolist() == [1]
    assert tracker.needs_detection()
    tracker.update(doubtful, 1.08, detected=False)
    assert not tracker.needs_detection()


def test_a_flickering_track_does_not_ask_at_each_loss() -> None:
    tracker, asked = tracking([LEFT]), 0
    for i in range(25):
        people = Poses.empty() if i % 2 else figures([LEFT])
        tracker.update(people, 1.04 + i * STEP_S, detected=False)
        asked += tracker.needs_detection()
    assert 1 <= asked <= 2


def test_a_miss_at_a_detection_does_not_ask() -> None:
    tracker = tracking([LEFT])
    tracker.update(Poses.empty(), 1.04)
    assert not tracker.needs_detection()


def test_the_first_frame_needs_a_detection() -> None:
    tracker = PoseTracker()
    assert tracker.needs_detection()
    tracker.update(Poses.empty(), 0.0)
    assert not tracker.needs_detection()


def test_lost_tracks_are_followed_for_a_while_only() -> None:
    tracker = tracking([LEFT])
    tracker.update(Poses.empty(), 1.04)
    followed = [tracker.predict(1.0 + s).followed.tolist() for s in (0.04, 0.2, 0.3)]
    assert followed == [[True], [True], [False]]


def test_a_detector_that_found_some_of_the_people() -> None:
    tracker = tracking([LEFT])
    people = figures([LEFT, RIGHT, (1000.0, 200.0)])
    for pts in (1.04, 1.08):
        out = tracker.update(people, pts, detected=np.array([False, True, False]))
        assert not tracker.needs_detection()
    assert out.track_ids.tolist() == [1, 2]
    assert len(tracker.predict(1.08)) == 2


def test_what_was_detected_wins_over_its_followed_double() -> None:
    tracker = tracking([LEFT])
    double = figures([LEFT, (102.0, 200.0)], score=[0.99, 0.5])
    out = tracker.update(double, 1.04, detected=np.array([False, True]))
    assert out.keypoints[0, 0, 0] == pytest.approx(102)


def test_flags_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"detected: expected one value or shape \(1,\)"):
        PoseTracker().update(figures([LEFT]), 0.0, detected=np.array([True, False]))
