"""Which predicted pose is which annotated person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.benchmarks.posetrack.clip import Floats

NEAR = 0.5
"""A joint is right within so many head sizes (PCKh@0.5)."""
_TIE = 1e-3


def as_poseval(distance: Floats, annotated: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Pairs as poseval forms them: each prediction takes its best person, each person its best.

    "Best" is the share of the person's joints that are right; ties go to the first. Two people
    whose joints are near one another may both be taken for the first, which leaves the other one
    without prediction: the truth as prediction then scores below 100.

    Args:
        distance: ``(15, G, P)`` in head sizes.
        annotated: ``(G, 15)``.

    Returns:
        ``(P,)`` row of the person, or -1.
    """
    share = _share(distance <= NEAR, annotated)
    best = np.zeros(share.shape[1], np.intp) if not share.size else share.argmax(0)
    kept = np.where(np.arange(share.shape[0])[:, None] == best, share, 0)
    person = np.full(share.shape[1], -1, np.intp)
    if share.size:
        taken = np.flatnonzero(kept.max(1) > 0)
        person[kept.argmax(1)[taken]] = taken
    return person


def one_to_one(distance: Floats, annotated: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Pairs with the most joints right in total, then with the least distance.

    Args and result as for ``as_poseval``.
    """
    right = distance <= NEAR
    closeness = _share(np.where(right, 1 - distance / NEAR, 0), annotated)
    share = _share(right, annotated)
    people, predictions = linear_sum_assignment(share + _TIE * closeness, maximize=True)
    person = np.full(share.shape[1], -1, np.intp)
    good = share[people, predictions] > 0
    person[predictions[good]] = people[good]
    return person


def _share(values: NDArray[np.generic], annotated: NDArray[np.bool_]) -> Floats:
    """``(G, P)``: sum over the joints by the number of annotated ones."""
    share: Floats = values.sum(0) / np.maximum(annotated.sum(1), 1)[:, None]
    return share
