"""Ignore regions against shapely."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from steadypose.benchmarks.posetrack.regions import in_any, inside_polygon

COORDINATE = st.integers(0, 12).map(lambda n: n / 10) | st.floats(-2, 2).map(lambda v: round(v, 2))
CORNERS = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=9)


@settings(max_examples=100, deadline=None)
@given(CORNERS, st.integers(0, 2**32 - 1))
def test_equals_shapely_contains(corners, seed):
    polygon = np.array(corners)
    rng = np.random.default_rng(seed)
    middles = (polygon + np.roll(polygon, 1, 0)) / 2
    points = np.concatenate([polygon, middles, rng.uniform(-2, 2, (20, 2)).round(2)])
    shape = shapely.Polygon(polygon)
    # As poseval asks, polygons that cross themselves included; of those GEOS takes some points on
    # an edge for inside.
    if not shape.is_valid:
        points = points[2 * len(polygon) :]
    wanted = shapely.contains(shape, shapely.points(points))
    np.testing.assert_array_equal(inside_polygon(points, polygon), wanted)


def test_boundary_and_corners_are_outside():
    square = np.array([[0.1, 0.1], [0.7, 0.1], [0.7, 0.7], [0.1, 0.7]])
    edge = np.array([[0.1, 0.3], [0.7, 0.7], [0.4, 0.1], [0.4, 0.4], [np.nan, np.nan]])
    assert inside_polygon(edge, square).tolist() == [False, False, False, True, False]


def test_a_polygon_that_crosses_itself_has_both_lobes():
    bow_tie = np.array([[0.0, 0], [2, 2], [2, 0], [0, 2]])
    points = np.array([[[0.2, 1.0], [1.8, 1.0]], [[1.0, 0.2], [1.0, 1.8]]])
    assert inside_polygon(points, bow_tie).tolist() == [[True, True], [False, False]]


def test_lines_and_nothing_hold_nothing():
    point = np.array([[0.5, 0.5]])
    assert not in_any(point, []).any()
    assert not in_any(point, [np.array([[0.0, 0], [1, 1]])]).any()
