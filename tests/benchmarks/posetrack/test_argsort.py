"""Equal scores come in the order of one kind of processor, on all."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import NumpyVersion

from steadypose.benchmarks.posetrack.metrics.argsort import avx512_argsort

FEATURES = np._core._multiarray_umath.__cpu_features__
LANES = 8 if FEATURES.get("AVX512_SKX") else 4 if FEATURES.get("AVX2") else 0


class Register:
    """The sort, number by number, as registers of so many lanes work in place."""

    def __init__(self, values, lanes):
        self.values, self.lanes = values, lanes
        self.order = list(range(len(values)))
        if any(a > b for a, b in itertools.pairwise(values)):
            self.sort(0, len(values), 2 * int(math.log2(len(values))))

    def key(self, place):
        return self.values[self.order[place]]

    def sort(self, left, right, depth):
        if depth <= 0:  # numpy then takes std::sort, which is not made here
            self.order[left:right] = sorted(self.order[left:right], key=self.values.__getitem__)
            return
        if right - left <= 256:
            self.network(left, right)
            return
        step = (right - 1 - left) // self.lanes
        some = sorted(self.key(left + n * step) for n in range(1, self.lanes + 1))
        pivot = some[self.lanes // 2]
        keys = [self.key(place) for place in range(left, right)]
        middle = self.partition(left, right, pivot)
        if pivot != min(keys):
            self.sort(left, middle, depth - 1)
        if pivot != max(keys):
            self.sort(middle, right, depth - 1)

    def partition(self, left, right, pivot):
        order, lanes = self.order, self.lanes
        for _ in range((right - left) % (4 * lanes)):
            if self.key(left) < pivot:
                left += 1
            else:
                right -= 1
                order[left], order[right] = order[right], order[left]
        store = [left, right]

        def put(registers):
            for start in range(0, 4 * lanes, lanes):
                register = registers[start : start + lanes]
                small = [n for n in register if self.values[n] < pivot]
                large = [n for n in register if self.values[n] >= pivot]
                if lanes == 4:  # AVX2 turns the upper ones round
                    large.reverse()
                order[store[0] : store[0] + len(small)] = small
                order[store[1] - len(large) : store[1]] = large
                store[0] += len(small)
                store[1] -= len(large)

        width = 4 * lanes
        held = order[left : left + width], order[right - width : right]
        left, right = left + width, right - width
        while left < right:
            if store[1] - right < left - store[0]:
                right -= width
                put(order[right : right + width])
            else:
                left += width
                put(order[left - width : left])
        for registers in held:
            put(registers)
        return store[0]

    def network(self, left, right):
        size = self.lanes
        while size < right - left:
            size *= 2
        row = [(self.values[n], n) for n in self.order[left:right]]
        row += [(math.inf, -1)] * (size - len(row))

        def exchange(a, b):
            if row[a][0] > row[b][0]:
                row[a], row[b] = row[b], row[a]

        run = 2
        while run <= size:
            for start in range(0, size, run):
                for n in range(run // 2):
                    exchange(start + n, start + run - 1 - n)
            distance = run // 4
            while distance:
                for n in range(size):
                    if n & distance == 0:
                        exchange(n, n + distance)
                distance //= 2
            run *= 2
        self.order[left:right] = [n for _, n in row[: right - left]]


def scores(seed, count, kinds):
    return np.random.default_rng(seed).integers(0, kinds, count) / 8


@pytest.mark.skipif(
    not LANES or NumpyVersion(np.__version__) < "2.4.0",
    reason="this processor or numpy sorts in another way",
)
@pytest.mark.parametrize("count", [2, 7, 8, 9, 63, 64, 200, 256, 257, 300, 513, 2000, 5001])
@pytest.mark.parametrize("kinds", [2, 30, 1000])
def test_the_register_machine_is_numpy(count, kinds):
    values = scores(count, count, kinds)
    np.testing.assert_array_equal(Register(values.tolist(), LANES).order, np.argsort(values))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 1500), kinds=st.sampled_from([1, 2, 9, 90]))
def test_is_the_register_machine_of_eight_lanes(seed, count, kinds):
    values = scores(seed, count, kinds)
    np.testing.assert_array_equal(avx512_argsort(values), Register(values.tolist(), 8).order)


def test_sorts_where_every_pivot_is_bad(monkeypatch):
    values = scores(0, 3000, 500)
    monkeypatch.setattr(math, "log2", lambda number: 0.5)
    np.testing.assert_array_equal(avx512_argsort(values), np.argsort(values, kind="stable"))
