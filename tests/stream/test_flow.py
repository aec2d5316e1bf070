"""Points that go where the picture goes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose.stream.flow import PictureFlow

SIZE = 60.0
POINTS = np.array([(100.0, 80.0), (150.0, 90.0), (200.0, 120.0)])
SIZES = np.full(len(POINTS), SIZE)


Image = NDArray[np.uint8]
Points = NDArray[np.float64]


def followed(before: Image, now: Image, points: Points, expected: Points, sizes: Points) -> Points:
    flow = PictureFlow()
    flow.keep(before)
    return flow.carry(now, points, expected, sizes)


def texture(size: tuple[int, int] = (240, 320), scale: int = 8) -> Image:
    """Something to see everywhere: a soft random pattern."""
    height, width = size
    coarse = np.random.default_rng(0).integers(0, 255, (height // scale, width // scale, 3))
    soft = cv2.resize(coarse.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(soft, np.uint8)


def shifted(image: Image, way: tuple[float, float]) -> Image:
    matrix = np.array([[1, 0, way[0]], [0, 1, way[1]]])
    return np.asarray(cv2.warpAffine(image, matrix, image.shape[1::-1]), np.uint8)


@pytest.mark.parametrize("way", [(0.0, 0.0), (2.5, -1.0), (9.0, 4.0)])
def test_points_go_with_the_picture(way: tuple[float, float]) -> None:
    before = texture()
    got = followed(before, shifted(before, way), POINTS, POINTS + 1.0, SIZES)
    assert np.abs(got - POINTS - way).max() < 0.2


def test_large_pictures_are_looked_at_small() -> None:
    before = texture((1080, 1920), 30)
    points = POINTS * 6
    got = followed(before, shifted(before, (12.0, -6.0)), points, points, 6 * SIZES)
    assert np.abs(got - points - (12, -6)).max() < 0.6


def test_what_goes_astray_stays_where_it_was_expected() -> None:
    before, expected = texture(), POINTS + np.array([3.0, 0.0])
    far = followed(before, shifted(before, (14.0, 0.0)), POINTS, POINTS, np.full(3, 40.0))
    assert np.array_equal(far, POINTS)
    # Another picture: nothing that was there comes back to where it was.
    other = np.asarray(np.random.default_rng(1).permuted(before, axis=0), np.uint8)
    assert np.array_equal(followed(before, other, POINTS, expected, SIZES), expected)


@pytest.mark.parametrize("nowhere", ["points", "expected", "both"])
def test_points_that_are_nowhere(nowhere: str) -> None:
    before, points, expected = texture(), POINTS.copy(), POINTS.copy()
    if nowhere != "expected":
        points[0] = np.nan
    if nowhere != "points":
        expected[0] = np.nan
    got = followed(before, shifted(before, (2.0, 0.0)), points, expected, SIZES)
    assert np.array_equal(got[0], expected[0], equal_nan=True)
    assert np.abs(got[1:] - POINTS[1:] - (2, 0)).max() < 0.2
    assert followed(before, before, POINTS[:0], POINTS[:0], SIZES[:0]).shape == (0, 2)


def test_points_outside_and_another_size_of_picture() -> None:
    outside = np.array([(-500.0, 20.0), (1e6, -1e6), (319.9, 239.9)])
    got = followed(texture(), shifted(texture(), (1.0, 0.0)), outside, outside, SIZES)
    assert np.abs(got - outside).max() < 12
    expected = POINTS + 5
    assert np.array_equal(
        followed(texture(), texture((120, 160)), POINTS, expected, SIZES), expected
    )


def test_only_the_frame_before_counts() -> None:
    before, flow, expected = texture(), PictureFlow(), POINTS + 1.0
    assert np.array_equal(flow.carry(before, POINTS, expected, SIZES), expected)
    for step in range(4):
        now = shifted(before, (2.0 * step, 0.0))
        if step:
            got = flow.carry(now, POINTS + np.array([2.0 * step - 2, 0]), expected, SIZES)
            assert np.abs(got - POINTS - (2 * step, 0)).max() < 0.2
        flow.keep(now)
    flow.forget()
    assert np.array_equal(flow.carry(before, POINTS, expected, SIZES), expected)
