"""Held people: rows that are the track's own prediction and carry no news."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steadypose.errors import ConfigError, InputError
from steadypose.poses import NO_TRACK, Poses
from steadypose.trackers import PoseTracker, Predictions, TrackerSettings
from tests.trackers.figures import figures

STEP_S = 0.04
LEFT, RIGHT = (100.0, 200.0), (600.0, 200.0)
SPEED = 100.0


def walking(count: int = 1, settings: TrackerSettings | None = None) -> PoseTracker:
    """A tracker that has seen people walk to the right for a second; it is now 1 s."""
    tracker = PoseTracker(settings)
    for i in range(26):
        tracker.update(truth(i * STEP_S)[np.arange(count)], i * STEP_S)
    return tracker


def truth(pts_s: float) -> Poses:
    """Where the left and the right person are at a time."""
    return figures([(x + SPEED * pts_s, y) for x, y in (LEFT, RIGHT)])


def expected(predictions: Predictions) -> Poses:
    """The predictions as poses, as one gives them to be held."""
    return Poses.create(
        predictions.keypoints,
        predictions.scores,
        predictions.boxes,
        predictions.box_scores,
        predictions.track_ids,
    )


def hold(tracker: PoseTracker, pts_s: float, *, detected: bool = False) -> Poses:
    """Hold everyone at a time."""
    people = expected(tracker.predict(pts_s))
    return tracker.update(people, pts_s, detected=detected, held=np.ones(len(people), bool))


def test_held_people_are_returned_as_given_under_their_ids() -> None:
    tracker = walking(2)
    people = expected(tracker.predict(1.04))[np.array([1, 0])]
    out = tracker.update(people, 1.04, detected=False, held=np.array([True, True]))
    assert out.track_ids.tolist() == [2, 1]
    np.testing.assert_array_equal(out.keypoints, people.keypoints)
    assert not tracker.needs_detection()


@pytest.mark.parametrize("detected", [False, True])
def test_a_held_pose_corrects_nothing(detected: bool) -> None:
    tracker, other = walking(), walking()
    assert len(hold(tracker, 1.04, detected=detected)) == 1
    other.update(Poses.empty(), 1.04)
    held, missed = tracker.predict(1.08), other.predict(1.08)
    for name in ("keypoints", "keypoint_var", "boxes", "scores", "pose_scores", "box_scores"):
        np.testing.assert_array_equal(getattr(held, name), getattr(missed, name))
    assert held.unseen_s == missed.unseen_s == pytest.approx(0.08)


@pytest.mark.parametrize("hold_s", [0.0, 0.1, 0.3])
def test_a_track_can_be_held_for_hold_s_only(hold_s: float) -> None:
    tracker = walking(settings=TrackerSettings(hold_s=hold_s, follow_s=0.0))
    for i in range(1, 15):
        pts_s = 1 + i * STEP_S
        followed = tracker.predict(pts_s).followed.tolist()
        out = hold(tracker, pts_s)
        assert len(out) == (i * STEP_S <= hold_s + 1e-9)
        assert followed == [(i - 1) * STEP_S <= hold_s + 1e-9]


def test_the_end_of_holding_is_a_miss_like_any_other() -> None:
    tracker = walking(settings=TrackerSettings(hold_s=0.1))
    asked = []
    for i in range(1, 6):
        hold(tracker, 1 + i * STEP_S)
        asked.append(tracker.needs_detection())
    assert asked == [False, False, True, False, False]
    assert tracker.update(truth(1.24)[[0]], 1.24).track_ids.tolist() == [1]


def test_a_track_goes_on_after_being_held() -> None:
    tracker = walking(2)
    for i in range(26, 60):
        pts_s = i * STEP_S
        if i % 4:
            people = hold(tracker, pts_s)
        else:
            people = tracker.update(truth(pts_s), pts_s, detected=False)
        assert people.track_ids.tolist() == [1, 2]
        assert np.abs(people.keypoints - truth(pts_s).keypoints).max() < 5


def test_some_are_held_and_the_others_observed() -> None:
    tracker = walking(2)
    people = Poses.concatenate([truth(1.04)[[0]], expected(tracker.predict(1.04))[[1]]])
    out = tracker.update(people, 1.04, detected=False, held=np.array([False, True]))
    assert out.track_ids.tolist() == [1, 2]
    assert tracker.predict(1.04).unseen_s.tolist() == pytest.approx([0, 0.04])


def test_who_is_held_is_taken_for_everybody_else() -> None:
    # Someone steps close to the held person: neither takes the held track nor is kept from birth.
    tracker = walking()
    held = expected(tracker.predict(1.04))
    stranger = figures([(held.keypoints[0, :, 0].mean() + 45, 200.0)])
    both, mask = Poses.concatenate([stranger, held]), np.array([False, True])
    assert tracker.match_preliminary(both, 1.04, held=mask).tolist() == [NO_TRACK, 1]
    for pts_s in (1.04, 1.08):
        people = Poses.concatenate([stranger, expected(tracker.predict(pts_s))[[0]]])
        out = tracker.update(people, pts_s, held=mask)
    assert out.track_ids.tolist() == [2, 1]


def test_a_detection_of_the_same_person_is_news() -> None:
    tracker = walking()
    seen, held = truth(1.04)[[0]], expected(tracker.predict(1.04))
    seen = replace(seen, box_scores=seen.box_scores / 2)
    people = Poses.concatenate([held, seen])
    out = tracker.update(people, 1.04, held=np.array([True, False]))
    assert (out.track_ids.tolist(), len(tracker.predict(1.08))) == ([1], 1)
    np.testing.assert_array_equal(out.keypoints, seen.keypoints)
    assert tracker.predict(1.04).unseen_s.tolist() == [0]


def test_nobody_is_held_whose_track_has_ended() -> None:
    tracker = walking()
    people = replace(expected(tracker.predict(1.04)), track_ids=np.array([7]))
    out = tracker.update(people, 1.04, held=np.array([True]))
    assert (len(out), len(tracker.predict(1.08))) == (0, 1)


def test_what_cannot_be_held_is_refused() -> None:
    people = figures([LEFT])
    with pytest.raises(InputError, match=r"held: expected shape \(1,\), got \(2,\)"):
        PoseTracker().update(people, 0.0, held=np.array([True, False]))
    with pytest.raises(InputError, match="held: row 0 has no track id"):
        PoseTracker().update(people, 0.0, held=np.array([True]))
    with pytest.raises(ConfigError, match="hold_s"):
        TrackerSettings(hold_s=-0.1)
