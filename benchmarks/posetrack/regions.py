"""Points in ignore regions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import Floats, Polygon

_CLOSE = 1e-9


def in_any(points: Floats, polygons: Sequence[Polygon]) -> NDArray[np.bool_]:
    """Which points ``(..., 2)`` are inside one of the polygons ``(V, 2)``; NaN is not."""
    inside = np.zeros(points.shape[:-1], bool)
    for polygon in polygons:
        inside |= inside_polygon(points, polygon)
    return inside


def inside_polygon(points: Floats, polygon: Polygon) -> NDArray[np.bool_]:
    """Which points ``(..., 2)`` are inside a polygon ``(V, 2)``; points on its boundary are not.

    A polygon that crosses itself is taken by the even-odd rule: that is what shapely's ``contains``
    says of it, which the official tools ask, and what it is once ``make_valid`` has repaired it.
    (``buffer(0)`` would lose a lobe of it.) One of fewer than three corners holds nothing.
    """
    if len(polygon) < 3:
        return np.zeros(points.shape[:-1], bool)
    flat = points.reshape(-1, 2)
    x, y = flat[:, :1], flat[:, 1:]
    x1, y1 = polygon.T
    x2, y2 = np.roll(polygon, -1, 0).T
    side = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
    scale = np.abs((x2 - x1) * (y - y1)) + np.abs((x - x1) * (y2 - y1))
    # Where rounding could decide on which side of an edge a point is, it is worked out exactly.
    for point, edge in np.argwhere(np.abs(side) <= _CLOSE * scale):
        side[point, edge] = _exact_side(flat[point], polygon[edge], (x2[edge], y2[edge]))
    low, high = np.minimum(y1, y2), np.maximum(y1, y2)
    within_x = (np.minimum(x1, x2) <= x) & (x <= np.maximum(x1, x2))
    on_edge = (side == 0) & within_x & (low <= y) & (y <= high)
    upward = y2 > y1
    crosses = ((y1 > y) != (y2 > y)) & (np.where(upward, side < 0, side > 0))
    inside = (crosses.sum(1) % 2 == 1) & ~on_edge.any(1)
    return np.asarray(inside.reshape(points.shape[:-1]))


def _exact_side(point: Floats, start: Floats, end: Sequence[float]) -> float:
    """Sign of the point's side of an edge."""
    (x, y), (x1, y1), (x2, y2) = (tuple(map(Fraction, map(float, p))) for p in (point, start, end))
    side = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
    return float((side > 0) - (side < 0))
