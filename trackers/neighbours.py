"""Who is near whom, found by a sweep along x: most people of a crowd are far from most others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

_FEW = 1500
"""Up to so many pairs, looking at all of them takes less time than sorting."""


def touching(boxes: Array) -> tuple[Rows, Rows]:
    """Pairs of rows of ``(N, 4)`` boxes x1 y1 x2 y2 that overlap, each pair once."""
    order = boxes[:, 0].argsort()
    x1, y1, x2, y2 = boxes.take(order, 0).T
    # In this order, a box meets those behind it that begin before it ends.
    first, second = _runs(np.arange(1, len(order) + 1), x1.searchsorted(x2))
    meet = ((y1[first] < y2[second]) & (y1[second] < y2[first])).nonzero()[0]
    return order[first[meet]], order[second[meet]]


def within(first: Array, second: Array, reach: Array, other_reach: Array) -> tuple[Rows, Rows]:
    """Pairs of points that are on both axes no farther apart than their reaches together.

    Args:
        first: ``(N, 2)`` points.
        second: ``(M, 2)`` points.
        reach: ``(N,)`` of the first, 0 or more.
        other_reach: ``(M,)`` of the second, 0 or more.

    Returns:
        Rows ``(P,)`` of the first, ascending, and of the second.
    """
    if len(first) * len(second) <= _FEW:
        one, other = np.divmod(np.arange(len(first) * len(second)), max(len(second), 1))
    else:
        order = second[:, 0].argsort()
        x, at, widest = second[order, 0], first[:, 0], reach + other_reach.max()
        begin, end = x.searchsorted(at - widest), x.searchsorted(at + widest, "right")
        one, other = _runs(begin, end)
        other = order[other]
    way = np.abs(first.take(one, 0) - second.take(other, 0))
    limit = reach[one] + other_reach[other]
    near = ((way[:, 0] <= limit) & (way[:, 1] <= limit)).nonzero()[0]
    return one[near], other[near]


def _runs(begin: Rows, end: Rows) -> tuple[Rows, Rows]:
    """Each row ``i`` with each of the numbers from ``begin[i]`` to before ``end[i]``."""
    count = end - begin
    rows = np.arange(len(count)).repeat(count)
    return rows, np.arange(len(rows)) + (begin - count.cumsum() + count).repeat(count)
