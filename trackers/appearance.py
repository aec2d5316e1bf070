"""What people look like: comparing descriptors, and a track's memory of them.

A descriptor is a vector of any meaning (colour histograms, an embedding) whose cosine tells how
alike two people look. Any of its values may be NaN where that part of the person was not seen; two
descriptors are compared over the values that both have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError

Array = NDArray[np.float64]


def checked(appearance: NDArray[np.floating] | None, people: int) -> Array:
    """Descriptors ``(N, D)`` in float64, infinite values as NaN; ``(N, 0)`` where there are none.

    Raises:
        InputError: Not a table of one row a person.
    """
    if appearance is None:
        return np.empty((people, 0))
    table = np.asarray(appearance, np.float64)
    if table.ndim != 2 or len(table) != people:
        raise InputError(f"appearance: expected shape ({people}, D), got {table.shape}")
    return np.where(np.isfinite(table), table, np.nan)


def widened(appearance: Array, values: int) -> Array:
    """The same with ``values`` values each, unknown ones where there were none; 0 asks for nothing.

    Raises:
        InputError: They have another number of values.
    """
    if appearance.shape[1] == values or not values:
        return appearance
    if appearance.shape[1]:
        raise InputError(
            f"appearance: expected {values} values a person as before, got {appearance.shape[1]}"
        )
    return np.full((len(appearance), values), np.nan)


def resemblance(first: Array, second: Array) -> Array:
    """Cosines ``(P,)`` of descriptors ``(P, D)`` in pairs; NaN where they share nothing."""
    # Pair by pair, as few pairs are near; a matrix product would wake BLAS' threads besides.
    shared = np.isfinite(first) & np.isfinite(second)
    one, other = np.where(shared, first, 0.0), np.where(shared, second, 0.0)
    norm = np.sqrt(np.square(one).sum(1) * np.square(other).sum(1))
    total = (one * other).sum(1)
    cosine: Array = np.divide(total, norm, out=np.full(len(total), np.nan), where=norm > 0)
    return cosine


def remembered(memory: Array, seen: Array, rate: float) -> Array:
    """Memories ``(P, D)`` after descriptors ``(P, D)``: a moving mean of each value."""
    known, there = np.isfinite(memory), np.isfinite(seen)
    mixed = np.where(known & there, (1 - rate) * memory + rate * seen, memory)
    return np.where(known, mixed, seen)
