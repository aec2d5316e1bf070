"""Which people begin a track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.geometry import oks_pairs
from steadypose.poses import NO_TRACK
from steadypose.skeletons import Skeleton
from steadypose.trackers.observations import COMPARABLE, Observations
from steadypose.trackers.settings import TrackerSettings


def births(
    observations: Observations,
    taken: NDArray[np.intp],
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> NDArray[np.intp]:
    """Observations that begin a track, from left to right; not what is part of one.

    Args:
        observations: The people of the frame.
        taken: Rows of those that tracks were observed in.
        skeleton: Names of the joints.
        settings: Thresholds.
    """
    free = observations.detected & (observations.box_scores >= settings.birth_score)
    free &= observations.held == NO_TRACK
    free[taken] = False
    rows = free.nonzero()[0]
    if len(rows) and len(taken):
        rows = rows[~_explained(observations, rows, taken, skeleton, settings)]
    if len(rows) < 2:
        return rows
    ordered: NDArray[np.intp] = rows[np.lexsort(observations.boxes[rows].T[::-1])]
    return ordered


def _explained(
    observations: Observations,
    rows: NDArray[np.intp],
    by: NDArray[np.intp],
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> NDArray[np.bool_]:
    """Which of the observations ``rows`` are parts of the people ``by``, ``(R,)``.

    A second box on a person often holds a pose whose sure joints are that person's, while the rest
    are guesses that lie anywhere. So the OKS over three or more shared joints, each weighted by its
    score in the observation in question, is held against ``duplicate_oks``.
    """
    one, other = np.repeat(rows, len(by)), np.tile(by, len(rows))
    areas = observations.areas_of_smaller(one, other)
    similarity = oks_pairs(
        observations.keypoints[one],
        observations.keypoints[other],
        areas,
        skeleton.sigmas,
        min_joints=COMPARABLE,
        weights=observations.scores[one],
    )
    most = similarity.reshape(len(rows), len(by)).max(1)
    return np.asarray(most > settings.duplicate_oks, bool)
