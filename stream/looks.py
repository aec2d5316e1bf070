"""What people look like: colour histograms of the torso and the legs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.poses import Poses
from steadypose.skeletons import Skeleton

_SEEN = 0.3
"""Score from which a joint is used."""
_ACROSS, _ALONG = 6, 12
"""Sampled points of a stripe."""
_HUES, _LEVELS = 12, 6
_COLOURFUL = 48
"""Saturation (0..255) from which a pixel counts by its hue, below by its brightness."""
_LEG_WIDTH = 0.35
"""Width of a leg's stripe as a share of the thigh's or shin's length."""
_SIDE = 0.15
"""Share of the torso's width left out at each side, where the background shows."""

_BINS = _HUES + _LEVELS
LOOKS_SIZE = 4 * _BINS
"""Values of a descriptor."""


def looks_of(image: NDArray[np.uint8], poses: Poses) -> NDArray[np.float32]:
    """Descriptors ``(N, LOOKS_SIZE)`` of people; NaN where a stripe is not seen.

    Four stripes, the upper and the lower torso, the thighs and the shins, each a histogram of hues
    (of colourful pixels) and brightness (of gray ones), as square roots of shares: the cosine of
    two descriptors then is the mean Bhattacharyya coefficient of the stripes that both have.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        poses: N people in its pixels.
    """
    if not len(poses):
        return np.empty((0, LOOKS_SIZE), np.float32)
    points, seen = _stripes(poses)
    values = _histograms(image, points).reshape(len(poses), 4, _BINS)
    values[~seen] = np.nan
    return values.reshape(len(poses), LOOKS_SIZE)


def _stripes(poses: Poses) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Points ``(N, 4, P, 2)`` in each stripe, and ``(N, 4)`` whether it is seen."""
    at = _places(poses.skeleton)
    joints = np.where((poses.scores >= _SEEN)[..., None], poses.keypoints, np.nan)[:, at]
    left, right = joints[:, 0::2], joints[:, 1::2]  # shoulder, hip, knee, ankle
    torso = _between(left[:, 0], right[:, 0], left[:, 1], right[:, 1])
    half = len(torso[0]) // 2
    parts = [torso[:, :half], torso[:, half:]]
    for upper, lower in ((1, 2), (2, 3)):
        limbs = [_along(side[:, upper], side[:, lower]) for side in (left, right)]
        known = [np.isfinite(limb).all((1, 2)) for limb in limbs]
        # A leg out of sight is stood in for by the other one.
        first = np.where(known[0][:, None, None], limbs[0], limbs[1])
        second = np.where(known[1][:, None, None], limbs[1], limbs[0])
        parts.append(np.concatenate([first[:, ::2], second[:, 1::2]], 1))
    points = np.stack(parts, 1).astype(np.float32)
    return points, np.asarray(np.isfinite(points).all((2, 3)), bool)


def _places(skeleton: Skeleton) -> list[int]:
    names = [f"{side}_{joint}" for joint in ("shoulder", "hip", "knee", "ankle")
             for side in ("left", "right")]  # fmt: skip
    return [skeleton.index(name) for name in names]


def _between(
    left_top: NDArray[np.floating],
    right_top: NDArray[np.floating],
    left_bottom: NDArray[np.floating],
    right_bottom: NDArray[np.floating],
) -> NDArray[np.floating]:
    """Points ``(N, P, 2)`` of the quadrangle between four corners ``(N, 2)``, row by row."""
    down = np.linspace(0, 1, _ALONG)[None, :, None, None]
    over = np.linspace(_SIDE, 1 - _SIDE, _ACROSS)[None, None, :, None]
    top = left_top[:, None, None] * (1 - over) + right_top[:, None, None] * over
    bottom = left_bottom[:, None, None] * (1 - over) + right_bottom[:, None, None] * over
    grid = top * (1 - down) + bottom * down
    return grid.reshape(len(left_top), -1, 2)


def _along(start: NDArray[np.floating], end: NDArray[np.floating]) -> NDArray[np.floating]:
    """Points ``(N, P / 2, 2)`` of a limb between two joints ``(N, 2)``."""
    way = end - start
    across = np.stack([-way[:, 1], way[:, 0]], 1) * _LEG_WIDTH
    down = np.linspace(0.1, 0.9, _ALONG // 2)[None, :, None, None]
    over = np.linspace(-0.5, 0.5, _ACROSS)[None, None, :, None]
    grid = start[:, None, None] + way[:, None, None] * down + across[:, None, None] * over
    return grid.reshape(len(start), -1, 2)


def _histograms(image: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Square roots of shares ``(N * 4, _BINS)``, of the points inside the image."""
    flat = points.reshape(-1, points.shape[2], 2)
    place = np.nan_to_num(flat, nan=-1.0)
    height, width = image.shape[:2]
    inside = ((place >= 0) & (place < (width, height))).all(2)
    x = np.clip(place[..., 0], 0, width - 1).astype(int)
    y = np.clip(place[..., 1], 0, height - 1).astype(int)
    hsv = cv2.cvtColor(image[y, x], cv2.COLOR_BGR2HSV).astype(int)
    hue, level = hsv[..., 0] * _HUES // 180, _HUES + hsv[..., 2] * _LEVELS // 256
    bins = np.where(hsv[..., 1] >= _COLOURFUL, hue, level) + np.arange(len(flat))[:, None] * _BINS
    counts = np.bincount(bins[inside], minlength=len(flat) * _BINS).reshape(len(flat), _BINS)
    total = np.maximum(counts.sum(1, keepdims=True), 1)
    shares: NDArray[np.float32] = np.sqrt(counts / total).astype(np.float32)
    return shares
