"""Standing and walking figures, as poses, for the tracker's tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steadypose.poses import Poses

# COCO-17 order; x and y of a standing figure of height 1, from its middle.
STANDING = np.array(
    [
        (0.00, -0.42),
        (0.02, -0.44),
        (-0.02, -0.44),
        (0.04, -0.43),
        (-0.04, -0.43),
        (0.11, -0.30),
        (-0.11, -0.30),
        (0.14, -0.13),
        (-0.14, -0.13),
        (0.15, 0.02),
        (-0.15, 0.02),
        (0.08, 0.03),
        (-0.08, 0.03),
        (0.08, 0.25),
        (-0.08, 0.25),
        (0.08, 0.46),
        (-0.08, 0.46),
    ]
)


def figures(
    middles: Sequence[tuple[float, float]] | NDArray[np.floating],
    height: float | Sequence[float] = 200.0,
    score: float | Sequence[float] = 0.9,
    joint_score: float | Sequence[float] = 0.8,
) -> Poses:
    """People standing with their middles at ``(N, 2)`` pixels, boxes 10 % larger than they are."""
    middle = np.asarray(middles, float).reshape(-1, 2)
    n = len(middle)
    tall = np.broadcast_to(np.asarray(height, float), n)
    keypoints = middle[:, None] + STANDING * tall[:, None, None]
    half = np.array([0.17, 0.5]) * tall[:, None]
    return Poses.create(
        keypoints,
        np.broadcast_to(np.asarray(joint_score, float).reshape(-1, 1), (n, 17)),
        np.concatenate([middle - half, middle + half], 1),
        np.broadcast_to(np.asarray(score, float), n),
    )


def without_joints(poses: Poses, joints: Sequence[int] | slice = slice(None)) -> Poses:
    """The same people with those joints missing."""
    scores = poses.scores.copy()
    scores[:, joints] = 0
    return Poses.create(poses.keypoints, scores, poses.boxes, poses.box_scores)
