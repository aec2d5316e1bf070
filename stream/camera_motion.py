"""How the camera moved from one frame to the next, from corners of the background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.stream.flow import small_gray

_LONG_SIDE = 480
_CORNERS = 160
_LEAST_QUALITY = 0.01
_CORNER_DISTANCE = 8
_MARGIN = 0.1
"""Share of its size by which a person's box is enlarged to be no background."""
_LEAST_CORNERS = 12
_LEAST_INLIERS = 0.5
_REPROJECTION_PX = 1.5
_STILL_PX = 0.25
"""A motion of the picture's corners below it, in pixels of the small image, is none."""

Affine = NDArray[np.float64]


class CameraMotion:
    """Estimates a similarity (shift, turn, zoom) between consecutive frames.

    Corners outside the people are followed by pyramidal Lucas-Kanade flow, and RANSAC finds the
    motion that most of them share. Where the background is too plain, too hidden, or moves in
    several ways, nothing is said.
    """

    def __init__(self) -> None:
        self._before: NDArray[np.uint8] | None = None
        self._corners: NDArray[np.float32] | None = None

    def forget(self) -> None:
        """Begin anew, as at a scene cut."""
        self._before = self._corners = None

    def since_last(self, image: NDArray[np.uint8]) -> Affine | None:
        """Affine map ``(2, 3)`` from pixels of the frame before to pixels of this one.

        None where the camera stands still or nothing can be said. To be followed by ``keep``.
        """
        gray = small_gray(image, _LONG_SIDE)
        before, corners = self._before, self._corners
        self._before, self._corners = gray, None
        if before is None or corners is None or before.shape != gray.shape:
            return None
        affine = _shared_motion(before, gray, corners)
        if affine is None:
            return None
        affine[:, 2] /= min(_LONG_SIDE / max(image.shape[:2]), 1.0)
        return affine

    def keep(self, image_shape: tuple[int, ...], people: NDArray[np.floating]) -> None:
        """Choose the corners to follow into the next frame, outside the people's boxes ``(N, 4)``.

        Args:
            image_shape: Height and width of the image last given.
            people: Boxes in its pixels.
        """
        if self._before is None:
            return
        scale = self._before.shape[1] / image_shape[1]
        mask = np.full(self._before.shape, 255, np.uint8)
        margin = _MARGIN * (people[:, 2:] - people[:, :2])
        low = np.maximum((people[:, :2] - margin) * scale, 0).astype(int)
        high = np.maximum((people[:, 2:] + margin) * scale, 0).astype(int) + 1
        for (x1, y1), (x2, y2) in zip(low, high, strict=True):
            mask[y1:y2, x1:x2] = 0
        found = cv2.goodFeaturesToTrack(
            self._before, _CORNERS, _LEAST_QUALITY, _CORNER_DISTANCE, mask=mask
        )
        # OpenCV says None where it finds nothing, and its type says that it never does.
        self._corners = np.asarray(found, np.float32) if np.ndim(found) else None


def _shared_motion(
    before: NDArray[np.uint8], now: NDArray[np.uint8], corners: NDArray[np.float32]
) -> Affine | None:
    if len(corners) < _LEAST_CORNERS:
        return None
    found, status, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, None)  # type: ignore[call-overload]
    good = status[:, 0] == 1
    if good.sum() < _LEAST_CORNERS:
        return None
    cv2.setRNGSeed(0)  # the same frames give the same motion
    affine, inliers = cv2.estimateAffinePartial2D(
        corners[good], found[good], ransacReprojThreshold=_REPROJECTION_PX
    )
    if not np.ndim(affine) or inliers.mean() < _LEAST_INLIERS:
        return None
    height, width = now.shape
    ends = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], float)
    way = ends @ affine.T - ends[:, :2]
    zoom = float(np.sqrt(max(np.linalg.det(affine[:, :2]), 0.0)))
    if not 0.5 <= zoom <= 2 or np.abs(way).max() < _STILL_PX:
        return None
    return np.asarray(affine, np.float64)
