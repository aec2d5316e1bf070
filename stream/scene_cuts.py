"""Where one shot of a video ends and the next begins."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIZE = (64, 36)
_BLUR = (5, 5)
_BINS = 16
_LEAST_CHANGE = 18.0
"""Mean absolute difference in gray levels (0..255) below which nothing is a cut."""
_LEAST_COLOURS = 0.1
"""Hellinger distance (0..1) of the colour histograms below which nothing is a cut."""
_CHANGED = 8.0
_LEAST_SHARE = 0.5
"""Share of the picture that changes by ``_CHANGED`` gray levels or more at a cut."""
_TIMES_USUAL = 4.0
"""How many times larger than the usual change between frames that of a cut is."""
_USUAL_AT_FIRST = 6.0
"""Usual change that is taken for granted until some frames of a shot have been seen."""
_USUAL_RATE = 0.2


class SceneCuts:
    """Tells cuts from motion, frame by frame, from thumbnails of 64 x 36 pixels.

    At a cut most of the picture changes, *and* its colours do, and by much more than they did from
    frame to frame before. A moving camera changes the one and hardly the other; somebody who steps
    into the picture changes a part of it. A cross-fade is no cut.
    """

    def __init__(self) -> None:
        self._thumbnail: NDArray[np.float32] | None = None
        self._colours = np.empty(0)
        self._usual = _USUAL_AT_FIRST

    def is_cut(self, image: NDArray[np.uint8]) -> bool:
        """Whether the image ``(H, W, 3)`` BGR begins another shot than the one before."""
        thumbnail, colours = _seen(image)
        before, old_colours = self._thumbnail, self._colours
        self._thumbnail, self._colours = thumbnail, colours
        if before is None:
            return False
        changes = np.abs(thumbnail - before)
        change, share = float(changes.mean()), float((changes >= _CHANGED).mean())
        apart = float(np.sqrt(max(0.0, 1 - np.sqrt(colours * old_colours).sum())))
        much = max(_LEAST_CHANGE, _TIMES_USUAL * self._usual)
        cut = change >= much and share >= _LEAST_SHARE and apart >= _LEAST_COLOURS
        if cut:
            self._usual = _USUAL_AT_FIRST
        else:
            self._usual += _USUAL_RATE * (change - self._usual)
        return cut


def _seen(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A blurred gray thumbnail, and shares ``(3 * _BINS,)`` of blue, green and red levels."""
    height, width = image.shape[:2]
    step = max(1, min(height // _SIZE[1], width // _SIZE[0]) // 4)
    # Single pixels first: to average all of them would read the whole picture.
    sampled = cv2.resize(
        image, (-(-width // step), -(-height // step)), interpolation=cv2.INTER_NEAREST
    )
    small = cv2.resize(sampled, _SIZE, interpolation=cv2.INTER_AREA)
    gray = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), _BLUR, 0)
    levels = (small.reshape(-1, 3) // (256 // _BINS)) + np.arange(3) * _BINS
    counts = np.bincount(levels.ravel(), minlength=3 * _BINS)
    return gray.astype(np.float32), counts / counts.sum()
