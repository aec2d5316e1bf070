"""Decoded pictures, kept in memory up to a bound."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError

Image = NDArray[np.uint8]


def read_image(path: Path) -> Image:
    """A picture as ``(H, W, 3)`` uint8 BGR, as it is stored. Raises InputError if it is none."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise InputError(f"{path}: not a picture that OpenCV can read")
    return np.asarray(image, np.uint8)


class PictureStore:
    """Reads pictures and keeps those read first, until the bound is reached.

    Pictures are asked for at random, where it does no good to forget one for another.

    Args:
        most_bytes: Bound on the pixels kept. Another process starts with nothing kept.
    """

    def __init__(self, most_bytes: int = 256 << 20) -> None:
        self.most_bytes = most_bytes
        self._kept: dict[Path, Image] = {}
        self._bytes = 0

    def read(self, path: Path) -> Image:
        """A picture, not to be written to. Raises InputError if it is none."""
        image = self._kept.get(path)
        if image is None:
            image = read_image(path)
            if self._bytes + image.nbytes <= self.most_bytes:
                self._kept[path] = image
                self._bytes += image.nbytes
        return image

    def __reduce__(self) -> tuple[type[PictureStore], tuple[int]]:
        return type(self), (self.most_bytes,)
