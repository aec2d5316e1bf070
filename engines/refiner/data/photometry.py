"""Changes of a crop's pixels that move no joint: light, colour, blur, noise, compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.errors import ConfigError

Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class PhotometrySettings:
    """Probabilities of each change.

    Attributes:
        colour: Other gain, offset and gamma per channel.
        grey: No colour at all.
        blur: Gaussian blur, or that of a camera in motion.
        coarse: Fewer pixels, as of a person far away.
        noise: Noise of a sensor.
        jpeg: Compression at a quality of 15 to 70.
    """

    colour: float = 0.8
    grey: float = 0.06
    blur: float = 0.15
    coarse: float = 0.15
    noise: float = 0.1
    jpeg: float = 0.2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ConfigError(f"{name}: expected a probability in 0..1, got {value}")


def change_pixels(rng: np.random.Generator, settings: PhotometrySettings, image: Image) -> Image:
    """The crop ``(H, W, 3)`` with some of the changes; the same state gives the same pixels."""
    if rng.random() < settings.colour:
        image = np.asarray(cv2.LUT(image, _curves(rng)), np.uint8)
    if rng.random() < settings.grey:
        image = np.asarray(
            cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8
        )
    if rng.random() < settings.coarse:
        image = _coarser(rng, image)
    if rng.random() < settings.blur:
        image = _blurred(rng, image)
    if rng.random() < settings.noise:
        image = _noisy(rng, image)
    if rng.random() < settings.jpeg:
        image = _compressed(rng, image)
    return image


def _curves(rng: np.random.Generator) -> Image:
    """Look-up table ``(256, 1, 3)``: one light for all channels, a little colour for each."""
    levels = np.linspace(0, 1, 256)[:, None]
    gamma = np.exp(rng.normal(0, 0.25))
    gain = np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.08, 3))
    offset = rng.normal(0, 0.06) + rng.normal(0, 0.025, 3)
    curve = 255 * ((levels**gamma - 0.5) * gain + 0.5 + offset)
    return np.asarray(np.clip(curve, 0, 255), np.uint8)[:, None]


def _coarser(rng: np.random.Generator, image: Image) -> Image:
    height, width = image.shape[:2]
    factor = rng.uniform(0.3, 0.8)
    size = (max(int(width * factor), 8), max(int(height * factor), 8))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def _blurred(rng: np.random.Generator, image: Image) -> Image:
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 2.2)), np.uint8)
    length = int(rng.integers(3, 12)) | 1
    angle, middle = rng.uniform(0, np.pi), length // 2
    way = middle * np.array([np.cos(angle), np.sin(angle)])
    kernel = np.zeros((length, length), np.float32)
    start, end = np.rint(middle - way).astype(int), np.rint(middle + way).astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _noisy(rng: np.random.Generator, image: Image) -> Image:
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 12))
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


def _compressed(rng: np.random.Generator, image: Image) -> Image:
    quality = int(rng.integers(15, 71))
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
