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
    cosine = _cosine(first, second)
    # Most are known throughout; only the others are compared over what both have.
    partly = np.isnan(cosine).nonzero()[0]
    if len(partly):
        one, other = first[partly], second[partly]
        shared = np.isfinite(one) & np.isfinite(other)
        cosine[partly] = _cosine(np.where(shared, one, 0.0), np.where(shared, other, 0.0))
    return cosine


def _cosine(first: Array, second: Array) -> Array:
    # Pair by pair, as few pairs are near; a matrix product would wake BLAS' threads besides.
    total = np.einsum("pd,pd->p", first, second)
    norm = np.einsum("pd,pd->p", first, first) * np.einsum("pd,pd->p", second, second)
    cosine = np.full(len(total), np.nan)
    np.divide(total, np.sqrt(norm), out=cosine, where=norm > 0)
    return cosine


def remembered(memory: Array, seen: Array, rate: float) -> Array:
    """Memories ``(P, D)`` after descriptors ``(P, D)``: a moving mean of each value."""
    mixed = (1 - rate) * memory + rate * seen
    # Of two values of which one is unknown, fmax is the other.
    return np.where(np.isnan(mixed), np.fmax(memory, seen), mixed)
