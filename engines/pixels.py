"""What a network is to see, told before it is made: an engine's device may make it itself.

Crops and fitted frames are described by a ``Source``, made into arrays on the host only when
somebody asks for them. An engine that can make them from the frames on its own device has
``infer_pixels`` and is given the description (``DeviceEngine``); every other one is fed the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.runtimes.base import Array, Engine

Image = NDArray[np.uint8]
Size = tuple[int, int]
"""Height and width of a picture in pixels."""


class Source(Protocol):
    """A batch of pictures of one size that are made from frames."""

    @property
    def frames(self) -> Sequence[Image]:
        """Frames ``(H, W, 3)`` uint8 BGR, one for each picture; none where there is no frame."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of ``images``."""
        ...

    @property
    def images(self) -> Image:
        """``(N, H, W, 3)`` uint8 BGR, made on the host when first asked for."""
        ...


@dataclass(frozen=True, eq=False)
class Given:
    """Pictures that are there already; no frame is known."""

    images: Image
    frames: tuple[Image, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of ``images``."""
        return self.images.shape


@dataclass(frozen=True)
class Planes:
    """Floats by channel, ``(value - mean) / spread``, as many exported networks want them.

    Attributes:
        mean, spread: For each of the three planes, in grey levels of 0 to 255.
        rgb: The planes are red, green, blue instead of blue, green, red.
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spread: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rgb: bool = False

    def of(self, images: Image) -> NDArray[np.float32]:
        """``(N, 3, H, W)`` float32 of ``(N, H, W, 3)`` uint8 BGR."""
        mean, spread = np.array(self.mean, np.float32), np.array(self.spread, np.float32)
        values = (images[..., ::-1] if self.rgb else images).astype(np.float32)
        planes: NDArray[np.float32] = ((values - mean) / spread).transpose(0, 3, 1, 2)
        return np.ascontiguousarray(planes)


@dataclass(frozen=True, eq=False)
class Pixels:
    """One image input of a network.

    Attributes:
        source: The pictures.
        mirror: Left and right change sides.
        planes: None for the bytes as they are, ``(N, H, W, 3)``.
    """

    source: Source
    mirror: bool = False
    planes: Planes | None = None

    def mirrored(self) -> Pixels:
        """The same with left and right exchanged; the pictures are made once for both."""
        return replace(self, mirror=not self.mirror)

    def array(self) -> Array:
        """Made on the host."""
        images = self.source.images
        if self.mirror:
            images = np.ascontiguousarray(images[:, :, ::-1])
        return images if self.planes is None else self.planes.of(images)


@runtime_checkable
class DeviceEngine(Protocol):
    """An engine that makes pictures on its own device."""

    def infer_pixels(
        self, name: str, pixels: Pixels, feeds: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Run one batch whose input ``name`` is ``pixels``. Raises EngineError."""
        ...


def infer_pixels(
    engine: Engine, name: str, pixels: Pixels, feeds: Mapping[str, Array] | None = None
) -> dict[str, Array]:
    """Run one batch, with the pictures made where the engine is.

    Args:
        engine: What runs the network.
        name: The network's image input.
        pixels: What it is to see.
        feeds: The other inputs.

    Raises:
        EngineError: The back-end refuses it.
    """
    if isinstance(engine, DeviceEngine):
        return engine.infer_pixels(name, pixels, feeds or {})
    return engine.infer({name: pixels.array(), **(feeds or {})})
