"""The order in which numpy's ``argsort`` leaves float64 on processors with AVX-512.

poseval sorts scores by numpy's default ``argsort``, which is not stable: where right and wrong
joints have the same score, its AP hangs on the processor. Its published and recorded figures come
from server processors; their order is made here, the same on every machine. It is that of
x86-simd-sort (BSD-3), which numpy uses: a quicksort that stores the blocks it reads at both ends,
and bitonic networks for what is short. Written anew from its description; see the tests.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

LANES = 8
"""Numbers in a register."""
BLOCK = 4 * LANES
"""Numbers that are read at once."""
SHORT = 256
"""So many are sorted by a network."""


def avx512_argsort(values: Floats) -> Indices:
    """Indices that sort ``values`` upwards, equal ones in the order that AVX-512 gives them.

    Args:
        values: ``(N,)`` float64, no NaN.
    """
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    if not (ranked[1:] == ranked[:-1]).any():
        return order
    order = np.arange(len(values))
    if (values[1:] < values[:-1]).any():
        _sort(values, order, 2 * int(math.log2(len(values))))
    return order


def _sort(values: Floats, order: Indices, depth: int) -> None:
    """Sort ``order`` in place by the values it points at."""
    if depth <= 0:  # numpy then takes std::sort, whose order of equal ones is not made here
        order[:] = order[np.argsort(values[order], kind="stable")]
        return
    if len(order) <= SHORT:
        order[:] = _network(values, order)
        return
    keys = values[order]
    step = (len(order) - 1) // LANES
    pivot = np.sort(keys[step * np.arange(1, LANES + 1)])[LANES // 2]
    middle = _partition(values, order, pivot)
    if pivot != keys.min():
        _sort(values, order[:middle], depth - 1)
    if pivot != keys.max():
        _sort(values, order[middle:], depth - 1)


def _partition(values: Floats, order: Indices, pivot: float) -> int:
    """Bring what is below ``pivot`` to the front, in place; how many that are."""
    left, right = 0, len(order)
    for _ in range(len(order) % BLOCK):
        if values[order[left]] < pivot:
            left += 1
        else:
            right -= 1
            order[[left, right]] = order[[right, left]]
    blocks = order[left:right].reshape(-1, BLOCK)
    below = values[blocks] < pivot
    read = _reading_order(below.sum(1).tolist())
    registers = blocks[read].reshape(-1, LANES)
    below = below[read].reshape(-1, LANES)
    # Each register is stored at both ends of what is free; inside one the order is kept.
    front = registers[below]
    order[left:right] = np.concatenate([front, registers[::-1][~below[::-1]]])
    return left + len(front)


def _reading_order(below: list[int]) -> list[int]:
    """The blocks as they are read, of each of which so many numbers go to the front.

    The first and the last block are held back, which makes the room to store in place. The next
    one comes from the left, but from the right where less room is left there.
    """
    first, last = 1, len(below) - 1
    order: list[int] = []
    front = 0
    while first < last:
        back = BLOCK * len(order) - front
        if BLOCK * (len(below) - last) - back < BLOCK * first - front:
            last -= 1
            order.append(last)
        else:
            order.append(first)
            first += 1
        front += below[order[-1]]
    return [*order, 0, len(below) - 1]


def _network(values: Floats, order: Indices) -> Indices:
    """``order`` sorted by a bitonic network over the next power of two of places."""
    size = max(LANES, 1 << (len(order) - 1).bit_length())
    keys, sorted_order = np.full(size, np.inf), np.zeros(size, np.intp)
    keys[: len(order)], sorted_order[: len(order)] = values[order], order
    places = np.arange(size)
    run = 2
    while run <= size:
        lower = places[places % run < run // 2]
        _exchange(keys, sorted_order, lower, lower + run - 1 - 2 * (lower % run))
        distance = run // 4
        while distance:
            lower = places[places // distance % 2 == 0]
            _exchange(keys, sorted_order, lower, lower + distance)
            distance //= 2
        run *= 2
    return sorted_order[: len(order)]


def _exchange(keys: Floats, order: Indices, lower: Indices, upper: Indices) -> None:
    """Swap, in place, what stands the wrong way round; equal keys stay."""
    wrong = keys[lower] > keys[upper]
    lower, upper = lower[wrong], upper[wrong]
    for array in (keys, order):
        array[lower], array[upper] = array[upper], array[lower]
