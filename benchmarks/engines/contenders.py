"""What is compared: a network in one run time, called the same way in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.runtimes import Engine

Array = NDArray[Any]
Feeds = Mapping[str, Array]


@dataclass(frozen=True)
class Copies:
    """Copies between host and device that one batch took."""

    up: int
    down: int


class Contender(Protocol):
    """A network in one run time.

    Attributes:
        name: The run time as it is asked for, e.g. ``"torch-graph"``.
        engine: Name and version of what runs it, and on what.
        precision: ``"fp16"`` or ``"fp32"``.
        faithful: Whether it has the network's own weights, so that results can be compared.
    """

    name: str
    engine: str
    precision: str
    faithful: bool

    def infer(self, feeds: Feeds) -> dict[str, Array]:
        """Arrays in host memory to arrays in host memory."""
        ...

    def device_ms(self, feeds: Feeds, rounds: int) -> list[float] | None:
        """Milliseconds of the network alone on the device, by its events; None without a device."""
        ...

    def copies(self, feeds: Feeds) -> Copies | None:
        """Copies that ``infer`` takes for these feeds, counted; None without a device."""
        ...

    def device_bytes(self) -> int | None:
        """Memory of the device that is taken, by whomever; None without a device."""
        ...

    def close(self) -> None:
        """Give back what it holds on the device."""
        ...


class OnProcessor:
    """An engine that computes on the processor."""

    faithful = True
    precision = "fp32"

    def __init__(self, name: str, engine: Engine) -> None:
        self.name, self.engine, self._engine = name, engine.runtime, engine

    def infer(self, feeds: Feeds) -> dict[str, Array]:
        """See ``Contender.infer``."""
        return self._engine.infer(feeds)

    def device_ms(self, feeds: Feeds, rounds: int) -> list[float] | None:  # noqa: ARG002
        """None: the processor is the device."""
        return None

    def copies(self, feeds: Feeds) -> Copies | None:  # noqa: ARG002
        """None: nothing is copied."""
        return None

    def device_bytes(self) -> int | None:
        """None: the processor's memory is the host's."""
        return None

    def close(self) -> None:
        """Nothing to give back."""


def percentiles(values: Sequence[float] | Array, *which: float) -> tuple[float, ...]:
    """Percentiles of values, as Python's floats."""
    return tuple(float(p) for p in np.percentile(np.asarray(values, np.float64), which))
