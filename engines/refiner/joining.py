"""Several words on where a joint is, as one: the refiner's, the mirrored crop's, the estimator's.

All in crop pixels, ``(N, K, 3)`` x, y and score, and without loops: people and joints at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Joints = NDArray[np.float32]

SAME_PLACE = 0.03
"""Share of the crop's height within which two places are the same."""
_AGREED = 0.04
"""Share of the crop's height over which the estimator's word fades."""


def settle(
    given: Joints, found: Joints, height: float, *, given_weight: float, keep_below: float
) -> Joints:
    """The refined joints, drawn towards where the estimator had them.

    Two networks that agree are right together more often than either, so a joint that was moved a
    little goes part of the way back: by ``given_weight exp(-d^2 / 2 s^2)`` of it, ``d`` being the
    way and ``s`` 4 % of the crop's height. One that was moved to another place is an error of one
    of the two: it stays where the refiner has it, or wholly where it was given if the refiner's
    probability is below ``keep_below``. Probabilities, and joints that were missing, are as found.

    Args:
        given: What the refiner was given; score 0 where missing.
        found: What it made of it.
        height: Of the crop, pixels.
        given_weight: Weight of the estimator's place where both agree, 0..1.
        keep_below: See ``PoseRefiner``.
    """
    way = given[..., :2] - found[..., :2]
    apart = np.linalg.norm(way, axis=2) / height
    share = given_weight * np.exp(-0.5 * (apart / _AGREED) ** 2)
    share = np.where((apart > SAME_PLACE) & (found[..., 2] < keep_below), 1, share)
    share = np.where(given[..., 2] > 0, share, 0)
    settled = found.copy()
    settled[..., :2] += share[..., None] * way
    return settled


def join(one: Joints, other: Joints, height: float) -> Joints:
    """Two results on the same people as one; see ``flip`` of ``PoseRefiner``."""
    score = np.stack([one[..., 2], other[..., 2]])
    sure = np.clip(score.astype(np.float64), 1e-7, 1 - 1e-7)
    odds = np.log(sure / (1 - sure)).mean(0)
    apart = np.linalg.norm(one[..., :2] - other[..., :2], axis=2) > SAME_PLACE * height
    first = np.where(apart, score[0] >= score[1], 0.5)[..., None]
    place = first * one[..., :2] + (1 - first) * other[..., :2]
    probability = 1 / (1 + np.exp(-odds))
    return np.concatenate([place, probability[..., None]], 2).astype(np.float32)
