"""Where a crop looks: one affine map from picture to crop, and what it does to joints."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines.crops import Size, pixels_per_crop_pixel
from steadypose.errors import ConfigError
from steadypose.skeletons import COCO19

PADDING = 1.15
"""Factor by which boxes are enlarged before they fill a crop, as MoveNet's are."""


@dataclass(frozen=True, kw_only=True)
class ViewSettings:
    """How far the crop may differ from the one that the box asks for.

    Attributes:
        rotate: Probability of a rotation.
        rotation_deg: Greatest rotation to either side, degrees.
        zoom: Least and greatest factor on the padding.
        shift: Greatest shift to either side, as a share of the box's sides.
        flip: Probability of a mirrored crop.
        truncate: Probability that an edge of the crop cuts the person.
        truncation: Least and greatest share of the box's side that is cut off.
    """

    rotate: float = 0.6
    rotation_deg: float = 40.0
    zoom: tuple[float, float] = (0.75, 1.3)
    shift: float = 0.08
    flip: float = 0.5
    truncate: float = 0.12
    truncation: tuple[float, float] = (0.1, 0.45)

    def __post_init__(self) -> None:
        for name in ("rotate", "flip", "truncate"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name}: expected 0..1, got {getattr(self, name)}")
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise ConfigError(f"zoom: expected two factors above 0, got {self.zoom}")
        if not 0 <= self.truncation[0] <= self.truncation[1] < 1:
            raise ConfigError(f"truncation: expected two shares in 0..1, got {self.truncation}")


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A map from picture pixels to crop pixels.

    Attributes:
        matrix: ``(2, 3)`` float64.
        flipped: Whether left and right trade places.
        scale: Picture pixels per crop pixel.
        size: Height and width of the crop.
    """

    matrix: NDArray[np.float64]
    flipped: bool
    scale: float
    size: Size

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The crop ``(H, W, 3)`` of a picture; black beyond its edges."""
        height, width = self.size
        crop = cv2.warpAffine(image, self.matrix, (width, height), flags=cv2.INTER_LINEAR)
        return np.asarray(crop, np.uint8)

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Joints ``(..., 19, 2)`` in crop pixels, left and right renamed in a mirrored crop."""
        moved = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return self.per_joint(moved.astype(np.float32), axis=-2)

    def joints(self, joints: NDArray[np.floating]) -> NDArray[np.float32]:
        """The same for ``(19, 3)`` joints with a score."""
        found = self.per_joint(np.asarray(joints, np.float32), axis=0).copy()
        found[:, :2] = self.points(joints[:, :2])
        return found

    def per_joint(self, values: NDArray[np.float32], axis: int = -1) -> NDArray[np.float32]:
        """Values of 19 joints along an axis, in the order in which ``points`` gives them."""
        return values.take(COCO19.flip_indices, axis) if self.flipped else values

    def inside(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which crop points ``(..., 2)`` lie in the crop."""
        limit = np.array([self.size[1] - 1, self.size[0] - 1])
        return np.asarray(((points >= 0) & (points <= limit)).all(-1))


def plain_view(box: NDArray[np.floating], size: Size) -> View:
    """The view of ``engines.crops.cut`` with the refiner's padding."""
    scale = float(pixels_per_crop_pixel(box[None], size, PADDING)[0])
    return _view(box, size, scale, np.zeros(2), 0.0, False)


def draw_view(
    rng: np.random.Generator, settings: ViewSettings, box: NDArray[np.floating], size: Size
) -> View:
    """A random view of a box ``(4,)``; the same generator state gives the same view."""
    sides = np.asarray(box[2:] - box[:2], np.float64)
    scale = float(pixels_per_crop_pixel(box[None], size, PADDING)[0])
    scale *= float(np.exp(rng.uniform(*np.log(settings.zoom))))
    shift = rng.uniform(-settings.shift, settings.shift, 2) * sides
    turned = rng.random() < settings.rotate
    angle = rng.uniform(-settings.rotation_deg, settings.rotation_deg) if turned else 0.0
    flipped = bool(rng.random() < settings.flip)
    if rng.random() < settings.truncate:
        shift += _truncating(rng, settings, sides, scale, size)
    return _view(box, size, scale, shift, np.deg2rad(angle), flipped)


def _truncating(
    rng: np.random.Generator,
    settings: ViewSettings,
    sides: NDArray[np.float64],
    scale: float,
    size: Size,
) -> NDArray[np.float64]:
    """Shift in picture px after which an edge cuts off a share of the box."""
    share = rng.uniform(*settings.truncation)
    axis, sign = int(rng.integers(2)), 1 if rng.random() < 0.5 else -1
    half_crop = scale * (size[1], size[0])[axis] / 2
    shift = np.zeros(2)
    shift[axis] = sign * max(half_crop - sides[axis] / 2 + share * sides[axis], 0)
    return shift


def _view(
    box: NDArray[np.floating],
    size: Size,
    scale: float,
    shift: NDArray[np.float64],
    angle: float,
    flipped: bool,
) -> View:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([-1.0 if flipped else 1.0, 1.0])
    centre = (np.asarray(box[:2], np.float64) + box[2:]) / 2 + shift
    middle = np.array([size[1], size[0]]) / 2
    matrix = np.empty((2, 3))
    matrix[:, :2] = turn / scale
    matrix[:, 2] = middle - matrix[:, :2] @ centre
    return View(matrix=matrix, flipped=flipped, scale=scale, size=size)
