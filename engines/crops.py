"""Cutting people out of a frame, at a size that fits how large they appear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines.pixels import Given, Pixels, Source
from steadypose.engines.pixels import Size as Size
from steadypose.errors import ConfigError

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
class Cuts:
    """Crops that are to be cut out of frames: the source of their pixels.

    Attributes:
        frames: N frames ``(H, W, 3)`` uint8 BGR, one for each crop.
        to_crop: ``(N, 2, 3)`` float64, takes x, y, 1 of the frame to x, y of the crop; without
            rotation.
        size: Height and width of the crops.
    """

    frames: Sequence[NDArray[np.uint8]]
    to_crop: NDArray[np.float64]
    size: Size

    @property
    def shape(self) -> tuple[int, ...]:
        """Of ``images``."""
        return (len(self.to_crop), *self.size, 3)

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """``(N, H, W, 3)`` uint8 BGR; black where the frame ends."""
        height, width = self.size
        batch = np.empty(self.shape, np.uint8)
        for frame, to_crop, crop in zip(self.frames, self.to_crop, batch, strict=True):
            cv2.warpAffine(frame, to_crop, (width, height), dst=crop, flags=cv2.INTER_LINEAR)
        return batch


@dataclass(frozen=True, eq=False)
class Crops:
    """A batch of crops of one size and the way back to the frame.

    Attributes:
        made_from: Where the crops come from, or the crops ``(N, H, W, 3)`` uint8 BGR.
        scales: ``(N,)`` float64 frame pixels per crop pixel.
        centres: ``(N, 2)`` float64 x, y in the frame that lie in the middle of the crop.
        box_sizes: ``(N, 2)`` float32 width and height of the unpadded box in crop pixels.
    """

    made_from: Source | NDArray[np.uint8]
    scales: NDArray[np.float64]
    centres: NDArray[np.float64]
    box_sizes: NDArray[np.float32]

    @property
    def pixels(self) -> Pixels:
        """What a network is to see, made where it runs."""
        source = self.made_from
        return Pixels(Given(source) if isinstance(source, np.ndarray) else source)

    @property
    def images(self) -> NDArray[np.uint8]:
        """``(N, H, W, 3)`` uint8 BGR on the host; black where the frame ends."""
        return self.pixels.source.images

    @property
    def size(self) -> Size:
        """Height and width of the crops."""
        return self.made_from.shape[1], self.made_from.shape[2]

    def to_frame(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points ``(N, K, 2)`` in crop pixels as points in frame pixels."""
        middle = np.array(self.size[::-1]) / 2
        offset = (points - middle) * self.scales[:, None, None]
        return (offset + self.centres[:, None]).astype(np.float32)

    def from_frame(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points ``(N, K, 2)`` in frame pixels as points in crop pixels."""
        middle = np.array(self.size[::-1]) / 2
        offset = (points - self.centres[:, None]) / self.scales[:, None, None]
        return (offset + middle).astype(np.float32)


def cut(
    images: Sequence[NDArray[np.uint8]],
    boxes: NDArray[np.floating],
    size: Size,
    padding: float,
) -> Crops:
    """Cut boxes out of frames, each centred, with its aspect ratio kept.

    The cutting is done when the crops' images are asked for; the frames must not change before.

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
    to_crop = np.zeros((len(wide), 2, 3))
    to_crop[:, 0, 0] = to_crop[:, 1, 1] = 1 / scales
    to_crop[:, :, 2] = np.array([width, height]) / 2 - centres / scales[:, None]
    sizes = (wide[:, 2:] - wide[:, :2]) / scales[:, None]
    return Crops(Cuts(images, to_crop, size), scales, centres, sizes.astype(np.float32))
