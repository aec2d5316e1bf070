"""Poses that were found with help of the tracks' own predictions."""

from __future__ import annotations

import numpy as np
import pytest

from steadypose.errors import InputError
from steadypose.trackers import PoseTracker
from tests.trackers.figures import figures
from tests.trackers.test_between_detections import LEFT, RIGHT, tracking


@pytest.mark.parametrize(("evidence", "seen"), [(1.0, True), (0.7, True), (0.2, False)])
def test_a_pose_of_little_evidence_does_not_keep_its_track(evidence: float, seen: bool) -> None:
    tracker = tracking([LEFT])
    people = figures([LEFT])
    share = np.array([evidence])
    got = tracker.update(people, 1.04, detected=False, evidence=share)
    assert got.track_ids.tolist() == ([1] if seen else [])
    assert tracker.predict(1.08).unseen_s[0] == pytest.approx(0.04 if seen else 0.08)


def test_people_keep_their_scores() -> None:
    people = figures([LEFT, RIGHT])
    got = PoseTracker().update(people, 0.0, evidence=np.array([0.5, 1.0]))
    np.testing.assert_array_equal(got.scores, people.scores)


def test_a_track_follows_evidence() -> None:
    moved = [PoseTracker(), PoseTracker()]
    for tracker, share in zip(moved, (1.0, 0.5), strict=True):
        for i in range(26):
            tracker.update(figures([LEFT]), i * 0.04)
        tracker.update(figures([(LEFT[0] + 8, LEFT[1])]), 1.04, evidence=np.array([share]))
    sure, unsure = (tracker.predict(1.04).keypoints[0, :, 0].mean() for tracker in moved)
    still = figures([LEFT]).keypoints[0, :, 0].mean()
    assert still < unsure < sure


def test_full_evidence_is_as_none_given() -> None:
    plain, told = PoseTracker(), PoseTracker()
    for i in range(5):
        people = figures([(100 + 5 * i, 200), RIGHT])
        plain.update(people, i * 0.04)
        told.update(people, i * 0.04, evidence=np.ones(2))
    for name, values in plain.state().items():
        np.testing.assert_array_equal(told.state()[name], values, err_msg=name)


@pytest.mark.parametrize("evidence", [[1.0], [[1.0, 1.0]], [1.0, np.nan], [1.0, 1.1], [-0.1, 0.5]])
def test_what_is_no_evidence_is_refused(evidence: list[float]) -> None:
    people = figures([LEFT, RIGHT])
    with pytest.raises(InputError, match=r"evidence: expected shape \(2,\) in 0..1"):
        PoseTracker().update(people, 0.0, evidence=np.array(evidence))
