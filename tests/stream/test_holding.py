"""Who is held: shown where the track expects them, without being looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.poses import Poses
from steadypose.stream.holding import Holder, apart, expected_poses
from steadypose.trackers import PoseTracker, Predictions
from tests.trackers.figures import figures

STEP_S = 0.04


def expecting(people: Poses) -> tuple[Poses, Predictions]:
    """Those people under their ids, and what a tracker expects that has seen them stand."""
    tracker = PoseTracker()
    for i in range(26):
        named = tracker.update(people, i * STEP_S)
    return named, tracker.predict(1.04)


def row(count: int) -> Poses:
    """People beside one another."""
    return figures([(100.0 + 150 * i, 200.0) for i in range(count)])


@given(people=st.integers(1, 12), most=st.integers(0, 5))
def test_everyone_has_their_turn_and_shares_are_even(people: int, most: int) -> None:
    named, expected = expecting(row(people))
    holder = Holder(most, 0.9)
    holder.remember(named, np.zeros(people, bool), expected)
    since, looks = np.zeros(people, int), []
    for _ in range(20):
        held = holder.choose(named.track_ids, np.ones(people, bool))
        since = np.where(held, since + 1, 0)
        assert since.max() <= most
        looks.append(int((~held).sum()))
        holder.remember(named, held, expected)
    # Once round everyone has been held in turn.
    late = looks[most + 1 :]
    assert max(late) - min(late) <= 1
    assert np.mean(late) <= people / (most + 1) + 1


@pytest.mark.parametrize(("moved_px", "steady"), [(0.0, True), (3.0, True), (15.0, False)])
def test_who_was_not_where_expected_is_not_steady(moved_px: float, steady: bool) -> None:
    named, expected = expecting(row(2))
    named.keypoints[0] += moved_px
    holder = Holder(1, 0.85)
    holder.remember(named, np.zeros(2, bool), expected)
    holder.remember(named[[0, 1]], np.array([False, True]), expected)
    assert holder.choose(named.track_ids, np.ones(2, bool)).tolist() == [steady, False]


def test_nobody_is_held_who_may_not_be_or_is_not_known() -> None:
    named, expected = expecting(row(3))
    holder = Holder(2, 0.85)
    everyone = np.ones(3, bool)
    assert not holder.choose(named.track_ids, everyone).any()
    holder.remember(named[:2], np.zeros(2, bool), expected)
    assert holder.choose(named.track_ids, everyone).sum() == 1
    assert not holder.choose(named.track_ids, ~everyone).any()
    holder.forget()
    assert not holder.choose(named.track_ids, everyone).any()


def test_apart() -> None:
    boxes = np.array([(0, 0, 10, 10), (5, 0, 15, 10), (40, 0, 50, 10)], np.float32)
    assert apart(boxes, 0.2).tolist() == [False, False, True]
    assert apart(boxes, 0.4).tolist() == [True, True, True]
    assert apart(boxes[:0], 0.2).shape == (0,)


def test_expected_poses_are_the_predictions_in_the_boxes_given() -> None:
    named, expected = expecting(row(2))
    poses = expected_poses(expected, named)
    assert poses.track_ids.tolist() == [1, 2]
    np.testing.assert_allclose(poses.keypoints, expected.keypoints)
    np.testing.assert_allclose(poses.box_scores, expected.scores.mean(1))
    assert np.array_equal(poses.boxes, named.boxes)
