"""Tracks seen from where the camera now is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steadypose.errors import InputError
from steadypose.trackers.body import SIZE
from steadypose.trackers.motion import Motion

Array = NDArray[np.float64]

_LEAST_ZOOM, _MOST_ZOOM = 0.25, 4.0
"""An image that shrinks or grows by more between two frames is no camera motion."""


def checked(camera: ArrayLike) -> Array:
    """An affine map ``(2, 3)`` from pixels of the frame before to pixels of this frame.

    Raises:
        InputError: Another shape, not finite, mirrored, or a zoom beyond a factor of 4.
    """
    affine = np.asarray(camera, np.float64)
    if affine.shape != (2, 3) or not np.isfinite(affine).all():
        raise InputError(f"camera: expected a finite affine map (2, 3), got {affine.tolist()}")
    zoom = _zoom(affine)
    if not _LEAST_ZOOM <= zoom <= _MOST_ZOOM:
        raise InputError(f"camera: expected a zoom in 1/4..4, got {zoom:g}")
    return affine


def moved_with(motion: Motion, affine: Array) -> Motion:
    """Points and their speeds in pixels of the new frame; box sizes follow the zoom alone."""
    linear, zoom = affine[:, :2], _zoom(affine)
    position, velocity = motion.position @ linear.T + affine[:, 2], motion.velocity @ linear.T
    position[:, SIZE], velocity[:, SIZE] = (
        motion.position[:, SIZE] * zoom,
        motion.velocity[:, SIZE] * zoom,
    )
    return Motion(
        position,
        velocity,
        motion.position_var * zoom**2,
        motion.covariance * zoom**2,
        motion.velocity_var * zoom**2,
    )


def _zoom(affine: Array) -> float:
    return float(np.sqrt(max(np.linalg.det(affine[:, :2]), 0.0)))
