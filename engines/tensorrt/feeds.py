"""Whether what is fed fits an engine, and how it is split where there is too much of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from steadypose.engines.runtimes.base import Array, TensorSpec
from steadypose.errors import EngineError

Limits = Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
"""Least and largest shape of each input."""


class Shaped(Protocol):
    """An array, or what will be one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        ...


def check_feeds(
    name: str, specs: Mapping[str, TensorSpec], limits: Limits, feeds: Mapping[str, Shaped]
) -> int | None:
    """Check everything but the number of rows against the engine.

    Args:
        name: The network's, for messages.
        specs: The inputs.
        limits: Their shapes.
        feeds: What is fed; the dtype is looked at where it has one.

    Returns:
        The number of rows; None where no input has a free number of rows.

    Raises:
        EngineError: An input is missing, unknown, of another dtype or shape; one line.
    """
    if feeds.keys() != specs.keys():
        missing = ", ".join(specs.keys() - feeds.keys())
        unknown = ", ".join(map(str, feeds.keys() - specs.keys()))
        told = [f"missing: {missing}"] * bool(missing) + [f"unknown: {unknown}"] * bool(unknown)
        raise EngineError(f"{name}: inputs are {', '.join(specs)}; {', '.join(told)}")
    rows: dict[str, int] = {}
    for key, spec in specs.items():
        fed = feeds[key]
        dtype = getattr(fed, "dtype", spec.dtype)
        if dtype != spec.dtype:
            raise EngineError(f"{name}: input '{key}' is {dtype}, expected {spec.dtype}")
        _check_shape(name, spec, limits[key], fed.shape)
        if has_rows(spec):
            rows[key] = fed.shape[0]
    if len(set(rows.values())) > 1:
        told_rows = ", ".join(f"{key} {count}" for key, count in rows.items())
        raise EngineError(f"{name}: inputs have different numbers of rows: {told_rows}")
    return next(iter(rows.values()), None)


def has_rows(spec: TensorSpec) -> bool:
    """Whether the first dimension is a batch of any size."""
    return bool(spec.shape) and spec.shape[0] is None


def parts_of(rows: int, most: int) -> list[slice]:
    """As few parts of ``rows`` as there can be with ``most`` in each, of nearly the same size."""
    edges = np.linspace(0, rows, -(-rows // most) + 1).astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def joined(name: str, spec: TensorSpec, parts: Sequence[dict[str, Array]]) -> Array:
    """An output of all parts. Raises EngineError where it has no rows to be joined by."""
    if len(parts) == 1:
        return parts[0][spec.name]
    if not has_rows(spec):
        raise EngineError(
            f"{name}: output '{spec.name}' is one for the whole batch; feed smaller batches"
        )
    values: Array = np.concatenate([part[spec.name] for part in parts])
    return values


def _check_shape(name: str, spec: TensorSpec, limits: Any, shape: tuple[int, ...]) -> None:
    least, largest = limits
    wanted = len(shape) == len(spec.shape) and all(
        side is None or side == given for side, given in zip(spec.shape, shape, strict=True)
    )
    start = 1 if has_rows(spec) else 0
    inside = wanted and all(
        low <= given <= high
        for low, given, high in zip(least[start:], shape[start:], largest[start:], strict=True)
    )
    if not inside:
        sides = [
            "N" if side is None and i == 0 else str(low) if low == high else f"{low} to {high}"
            for i, (side, low, high) in enumerate(zip(spec.shape, least, largest, strict=True))
        ]
        raise EngineError(
            f"{name}: input '{spec.name}' is {tuple(shape)}, expected ({', '.join(sides)})"
        )
