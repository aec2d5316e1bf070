"""The interface that every back-end meets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """Name, dtype and shape of a network's input or output; None marks a free dimension."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """What a network will be fed.

    Attributes:
        max_batch: Most items in one call.
        sizes: Heights and widths of its pictures in pixels, where the network leaves them open.
    """

    max_batch: int = 1
    sizes: tuple[tuple[int, int], ...] = ()


class Engine(Protocol):
    """A loaded network. ``infer`` may be called from several threads.

    Attributes:
        path: The model file.
        name: Its name without its suffix.
        runtime: Name and version of what runs it, e.g. ``"onnxruntime 1.20.1"``.
        inputs, outputs: Specifications by tensor name, in the network's order.
    """

    path: Path
    name: str
    runtime: str

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """What goes in, by name."""
        ...

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """What comes out, by name."""
        ...

    def infer(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run one batch. Raises EngineError when the back-end refuses it."""
        ...
