"""Points carried from one frame to the next by what the pictures show of their motion."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_LONG_SIDE = 640
_WINDOW = (15, 15)
_LEVELS = 2
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03)
_RETURN_SHARE, _RETURN_PX = 0.02, 0.3
"""Followed back, a point must come within so many person sizes and pixels of where it began."""
_FARTHEST = 0.2
"""A point that ends farther from where it was expected, in person sizes, went astray."""

Image = NDArray[np.uint8]
Array = NDArray[np.float64]


class PictureFlow:
    """Carries points from the frame before to the present one by what the pictures show.

    Pyramidal Lucas-Kanade flow (Bouguet, 2000) in gray pictures of at most 640 pixels, begun where
    the points are expected, forth and back (Kalal, Mikolajczyk and Matas, 2010). A point that does
    not come back to where it began, or ends far from where it was expected, is put where it was
    expected; so are all where the size of the pictures changed.
    """

    def __init__(self) -> None:
        self._before: Image | None = None
        self._now: tuple[Image, Image] | None = None

    def forget(self) -> None:
        """Begin anew, as at a cut."""
        self._before = self._now = None

    def keep(self, image: Image) -> None:
        """Take note of a frame ``(H, W, 3)`` uint8 BGR: the one before the next."""
        self._before, self._now = self._gray(image), None

    def carry(self, image: Image, points: Array, expected: Array, sizes: Array) -> Array:
        """Where points of the frame that was kept are in this one, ``(P, 2)`` in pixels.

        Args:
            image: The present frame ``(H, W, 3)`` uint8 BGR.
            points: ``(P, 2)`` x, y in pixels of the frame before; a row with NaN is nowhere.
            expected: ``(P, 2)`` where they are expected in this one; NaN likewise.
            sizes: ``(P,)`` size of the person each belongs to, in pixels.
        """
        known = np.isfinite(points).all(1) & np.isfinite(expected).all(1)
        if self._before is None or not known.any():
            return expected
        before, now = self._before, self._gray(image)
        if before.shape != now.shape:
            return expected
        scale = np.divide(now.shape[::-1], image.shape[1::-1])
        begun = _scaled(points[known], scale)
        there, seen = _flow(before, now, begun, _scaled(expected[known], scale))
        back, seen_again = _flow(now, before, there, begun)
        found = (there.astype(np.float64) + 0.5) / scale - 0.5
        way = np.hypot(*((back - begun) / scale).T)
        near = np.hypot(*(found - expected[known]).T) < _FARTHEST * sizes[known]
        good = seen & seen_again & near & (way < _RETURN_SHARE * sizes[known] + _RETURN_PX)
        moved = expected.copy()
        moved[known] = np.where(good[:, None], found, expected[known])
        return moved

    def _gray(self, image: Image) -> Image:
        if self._now is None or self._now[0] is not image:
            self._now = image, small_gray(image, _LONG_SIDE)
        return self._now[1]


def small_gray(image: Image, long_side: int) -> Image:
    """A frame ``(H, W, 3)`` BGR in gray, its longer side ``long_side`` pixels at most."""
    scale = long_side / max(image.shape[:2])
    if scale < 1:
        size = round(image.shape[1] * scale), round(image.shape[0] * scale)
        # Of the ways to make a picture smaller this is the fastest, and the flow is as good.
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def _scaled(points: Array, scale: Array) -> NDArray[np.float32]:
    return ((points + 0.5) * scale - 0.5).astype(np.float32)


def _flow(
    before: Image, now: Image, points: NDArray[np.float32], guess: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where the points went, and whether they were seen there."""
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        before,
        now,
        points[:, None],
        guess[:, None].copy(),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(found[:, 0], np.float32), np.asarray(status[:, 0] == 1)
