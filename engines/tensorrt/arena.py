"""Where the tensors of a batch lie in one block of memory, so that one copy moves them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from steadypose.engines.runtimes.base import Array
from steadypose.engines.tensorrt.memory import Bytes, rounded


@dataclass(frozen=True)
class Place:
    """Where a tensor lies.

    Attributes:
        name, shape, dtype: The tensor.
        start: Its first byte, aligned as TensorRT wants it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @property
    def nbytes(self) -> int:
        """Its size."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def end(self) -> int:
        """The first byte after it where another tensor may begin."""
        return self.start + rounded(self.nbytes)

    def view(self, memory: Bytes) -> Array:
        """The tensor in the block."""
        view: Array = memory[self.start : self.start + self.nbytes].view(self.dtype)
        return view.reshape(self.shape)


def lay_out(
    tensors: Iterable[tuple[str, tuple[int, ...], np.dtype[Any]]], start: int = 0
) -> tuple[Place, ...]:
    """Places for tensors, one after the other from byte ``start`` on."""
    places: list[Place] = []
    for name, shape, dtype in tensors:
        places.append(Place(name, shape, dtype, start))
        start = places[-1].end
    return tuple(places)


def size_of(places: Iterable[Place]) -> int:
    """Bytes that they take."""
    return max((place.end for place in places), default=0)
