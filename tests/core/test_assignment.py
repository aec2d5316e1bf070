from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from steadypose.assignment import best_pairs, linear_sum_assignment

SHAPES = st.tuples(st.integers(0, 9), st.integers(0, 9))
SEEDS = st.integers(0, 2**32 - 1)


def table(shape: tuple[int, int], seed: int, values: int) -> np.ndarray:
    """Random costs; few ``values`` make many ties, 0 none."""
    random = np.random.default_rng(seed)
    if values:
        return random.integers(-values, values, shape) / 4
    return random.normal(size=shape)


@given(SHAPES, SEEDS, st.sampled_from([0, 1, 2, 5]), st.booleans())
def test_finds_what_scipy_finds_ties_included(
    shape: tuple[int, int], seed: int, values: int, maximize: bool
) -> None:
    costs = table(shape, seed, values)
    ours = linear_sum_assignment(costs, maximize=maximize)
    theirs = optimize.linear_sum_assignment(costs, maximize=maximize)
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == np.intp
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(40, 40), (25, 60), (60, 25)])
def test_large_tables(shape: tuple[int, int]) -> None:
    for values in (0, 3):
        costs = table(shape, 7, values)
        theirs = optimize.linear_sum_assignment(costs)
        np.testing.assert_array_equal(linear_sum_assignment(costs), theirs)


def test_whole_numbers_and_lists_are_taken() -> None:
    rows, columns = linear_sum_assignment([[4, 1, 3], [2, 0, 5], [3, 2, 2]])
    assert (rows.tolist(), columns.tolist()) == ([0, 1, 2], [1, 0, 2])


@pytest.mark.parametrize("costs", [[1.0, 2.0], [[np.nan, 1.0]], [[np.inf], [0.0]]])
def test_what_is_no_table_of_costs_is_refused(costs: list[object]) -> None:
    with pytest.raises(ValueError, match="finite table"):
        linear_sum_assignment(costs)


@given(SHAPES, SEEDS, st.floats(0, 1))
def test_pairs_have_positive_gain_and_the_greatest_total(
    shape: tuple[int, int], seed: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    gain = np.where(random.random(shape) < share, random.random(shape), -1.0)
    rows, columns = best_pairs(gain)
    assert len(set(rows.tolist())) == len(rows)
    assert len(set(columns.tolist())) == len(columns)
    assert rows.tolist() == sorted(rows.tolist())
    assert (gain[rows, columns] > 0).all()
    clipped = np.maximum(gain, 0)
    best = optimize.linear_sum_assignment(clipped, maximize=True)
    assert gain[rows, columns].sum() == pytest.approx(clipped[best].sum())
