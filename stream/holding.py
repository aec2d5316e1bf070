"""Who need not be looked at in a frame, since the track knows well enough where they are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from steadypose.geometry import box_iou, oks_pairs
from steadypose.poses import NO_TRACK, Poses
from steadypose.trackers import Predictions
from steadypose.trackers.observations import AREA_SHARE


class Holder:
    """Chooses whom to hold: to carry on with the picture's motion, without running a network.

    A person is *steady* while the last look at them found them where the track had expected: at an
    OKS of at least ``agreement``. So both a person who stands and one whose motion is well known
    are steady, and the longer they were held before that look, the better the track must know. Of
    the steady people who may be held, an even share is looked at in each frame, those first who
    were held longest, so that the load does not come in waves.

    Args:
        most: Frames in a row that a person may be held; 0 holds nobody.
        agreement: OKS from which a person is steady.
    """

    def __init__(self, most: int, agreement: float) -> None:
        self._most, self._agreement = most, agreement
        self._held: dict[int, int] = {}

    def forget(self) -> None:
        """Know nobody, as at the start."""
        self._held = {}

    def choose(self, ids: NDArray[np.int64], may: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whom to hold, ``(N,)`` bool.

        Args:
            ids: Track ids of the N people who might be held.
            may: ``(N,)`` bool, of whom nothing else speaks against it.
        """
        frames = np.array([self._held.get(i, -1) for i in ids.tolist()], np.int64)
        steady = may & (frames >= 0)
        due = math.ceil(int(steady.sum()) / (self._most + 1))
        longest_first = np.lexsort((ids, -frames))
        looked_at = longest_first[steady[longest_first]][:due]
        held = steady & (frames < self._most)
        held[looked_at] = False
        return held

    def remember(self, people: Poses, held: NDArray[np.bool_], expected: Predictions) -> None:
        """Take note of how people were found in a frame.

        Args:
            people: Those with an id who were found, or held, after tracking.
            held: ``(N,)`` bool, who was held.
            expected: The tracks at that frame, as they were before.
        """
        frames = {i: self._held.get(i, 0) + 1 for i in people.track_ids[held].tolist()}
        seen = people[~held]
        rows, tracks = np.nonzero(seen.track_ids[:, None] == expected.track_ids)
        named = seen.track_ids[rows] != NO_TRACK
        rows, tracks = rows[named], tracks[named]
        found = oks_pairs(
            seen.keypoints[rows].astype(np.float64),
            expected.keypoints[tracks],
            AREA_SHARE * expected.sizes[tracks] ** 2,
            people.skeleton.sigmas,
        )
        steady = rows[found >= self._agreement]
        self._held = {**frames, **dict.fromkeys(seen.track_ids[steady].tolist(), 0)}


def apart(boxes: NDArray[np.float32], most_iou: float) -> NDArray[np.bool_]:
    """Which of N boxes no other one overlaps by an IoU above ``most_iou``, ``(N,)``."""
    overlap = box_iou(boxes, boxes)
    np.fill_diagonal(overlap, 0)
    return np.asarray((overlap <= most_iou).all(1), bool)


def expected_poses(expected: Predictions, like: Poses) -> Poses:
    """The tracks as poses where they are expected, under their ids.

    Args:
        expected: N tracks with ids.
        like: N people in the skeleton of the tracks, of whom the boxes are kept.
    """
    scores = expected.scores.astype(np.float32)
    points = expected.keypoints.astype(np.float32)
    return Poses(points, scores, like.boxes, scores.mean(1), expected.track_ids, like.skeleton)
