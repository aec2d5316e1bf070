"""How a decoded picture must be turned to be shown upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


@dataclass(frozen=True, kw_only=True)
class Orientation:
    """A swap of the axes followed by flips: one of the eight ways to lay a picture down."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture ``(H, W, 3)`` upright; itself where nothing is to be done."""
        if self.transpose:
            image = np.asarray(cv2.transpose(image), np.uint8)
        if self.flip_x or self.flip_y:
            code = -1 if self.flip_x and self.flip_y else int(self.flip_x)
            image = np.asarray(cv2.flip(image, code), np.uint8)
        return image

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height after turning."""
        return (height, width) if self.transpose else (width, height)


UPRIGHT = Orientation()


def from_matrix(matrix: NDArray[np.int32]) -> Orientation:
    """Read a display matrix: nine numbers ``a b u c d v x y w``.

    A stored point ``(p, q)`` is shown at ``(a p + c q + x, b p + d q + y)`` (ISO/IEC 14496-12,
    track header). Angles between the quarter turns are taken to the nearest one.
    """
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(flip_x=a < 0, flip_y=d < 0)
    return Orientation(transpose=True, flip_x=c < 0, flip_y=b < 0)


class OrientationReader:
    """Reads how the pictures of one stream must be turned.

    PyAV ties a frame and its side data into a cycle, so that every frame whose side data are
    looked at stays in memory until Python's collector next runs: up to hundreds of pictures. The
    matrix is therefore read again only where the angle or the size of the picture changes.
    """

    def __init__(self) -> None:
        self._seen: tuple[int, int, int] | None = None
        self._orientation = UPRIGHT

    def of(self, frame: VideoFrame) -> Orientation:
        """The orientation that the container gave to a frame; upright where it gave none."""
        now = (frame.rotation, frame.width, frame.height)
        if now != self._seen:
            self._seen = now
            self._orientation = _orientation_of(frame)
        return self._orientation


def _orientation_of(frame: VideoFrame) -> Orientation:
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return UPRIGHT
    matrix = np.frombuffer(cast("Any", data), np.int32)
    return from_matrix(matrix) if matrix.size >= 9 else UPRIGHT
