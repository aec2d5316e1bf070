"""Cutting people out of a frame, at a size that fits how large they appear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.errors import ConfigError

Size = tuple[int, int]
"""Height and width of a crop in pixels."""

_SAME_SCALE = 1.02
"""Scales that differ by less count as the same."""


@dataclass(frozen=True, kw_only=True)
class CropPolicy:
    """Which crop size a person gets.

    A person whose padded box would be enlarged by more than ``max_zoom`` in a size gets a smaller
    one: a larger crop of so few pixels costs time and holds no more to see. Of the sizes that show
    a person equally large the one of least area is taken: who stands or walks is narrow, and need
    not pay for the sides of a wide crop, nor be confused by the neighbours in it.

    Attributes:
        sizes: Crop sizes (height, width), smallest first, all of the network's stride.
        padding: The box is enlarged by this factor before it is cut out; None takes what the
            network was trained with.
        max_zoom: Crop pixels per frame pixel up to which a size is still worth its cost.
    """

    sizes: tuple[Size, ...] = ((256, 192),)
    padding: float | None = None
    max_zoom: float = 1.5

    def __post_init__(self) -> None:
        if not self.sizes or list(self.sizes) != sorted(self.sizes):
            raise ConfigError(
                f"crop sizes: expected at least one, smallest first, got {self.sizes}"
            )
        if self.padding is not None and self.padding < 1:
            raise ConfigError(f"crop padding: expected at least 1, got {self.padding}")
        if self.max_zoom <= 0:
            raise ConfigError(f"crop max_zoom: expected above 0, got {self.max_zoom}")

    def choose(self, boxes: NDArray[np.floating]) -> NDArray[np.intp]:
        """Row of ``sizes`` for each box ``(N, 4)`` x1 y1 x2 y2."""
        scales = np.stack(
            [pixels_per_crop_pixel(boxes, s, self.padding or 1.0) for s in self.sizes], 1
        )
        fits = scales * self.max_zoom >= 1
        # Where even the coarsest is too fine, the coarsest it is.
        fits |= ~fits.any(1, keepdims=True) & (scales >= scales.max(1, keepdims=True))
        finest = np.where(fits, scales, np.inf).min(1, keepdims=True)
        equal = fits & (scales <= _SAME_SCALE * finest)
        areas = np.array([height * width for height, width in self.sizes], float)
        cheapest: NDArray[np.intp] = np.where(equal, areas, np.inf).argmin(1)
        return cheapest


def pixels_per_crop_pixel(
    boxes: NDArray[np.floating], size: Size, padding: float
) -> NDArray[np.float64]:
    """Frame pixels per crop pixel ``(N,)`` when padded boxes ``(N, 4)`` fill crops of ``size``."""
    sides = np.asarray(boxes, np.float64)[:, 2:] - np.asarray(boxes, np.float64)[:, :2]
    scale: NDArray[np.float64] = padding * np.maximum(sides[:, 0] / size[1], sides[:, 1] / size[0])
    return np.maximum(scale, 1e-6)


@dataclass(frozen=True, eq=False)
class Crops:
    """A batch of crops of one size and the way back to the frame.

    Attributes:
        images: ``(N, H, W, 3)`` uint8 BGR; black where the frame ends.
        scales: ``(N,)`` float64 frame pixels per crop pixel.
        centres: ``(N, 2)`` float64 x, y in the frame that lie in the middle of the crop.
        box_sizes: ``(N, 2)`` float32 width and height of the unpadded box in crop pixels.
    """

    images: NDArray[np.uint8]
    scales: NDArray[np.float64]
    centres: NDArray[np.float64]
    box_sizes: NDArray[np.float32]

    def to_frame(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points ``(N, K, 2)`` in crop pixels as points in frame pixels."""
        middle = np.array([self.images.shape[2], self.images.shape[1]]) / 2
        offset = (points - middle) * self.scales[:, None, None]
        return (offset + self.centres[:, None]).astype(np.float32)

    def from_frame(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points ``(N, K, 2)`` in frame pixels as points in crop pixels."""
        middle = np.array([self.images.shape[2], self.images.shape[1]]) / 2
        offset = (points - self.centres[:, None]) / self.scales[:, None, None]
        return (offset + middle).astype(np.float32)


def cut(
    images: Sequence[NDArray[np.uint8]],
    boxes: NDArray[np.floating],
    size: Size,
    padding: float,
) -> Crops:
    """Cut boxes out of frames, each centred, with its aspect ratio kept.

    Args:
        images: N frames ``(H, W, 3)`` uint8, one for each box (the same object may occur often).
        boxes: ``(N, 4)`` x1 y1 x2 y2 in pixels of its frame.
        size: Height and width of the crops.
        padding: Factor by which a box is enlarged.
    """
    height, width = size
    wide = np.asarray(boxes, np.float64)
    scales = pixels_per_crop_pixel(wide, size, padding)
    centres = (wide[:, :2] + wide[:, 2:]) / 2
    batch = np.empty((len(wide), height, width, 3), np.uint8)
    for i, (scale, (x, y)) in enumerate(zip(scales, centres, strict=True)):
        to_crop = np.array(
            [[1 / scale, 0, width / 2 - x / scale], [0, 1 / scale, height / 2 - y / scale]]
        )
        cv2.warpAffine(images[i], to_crop, (width, height), dst=batch[i], flags=cv2.INTER_LINEAR)
    sizes = (wide[:, 2:] - wide[:, :2]) / scales[:, None]
    return Crops(batch, scales, centres, sizes.astype(np.float32))
