from __future__ import annotations

import numpy as np
import pytest

from steadypose.benchmarks.refiner.resampling import Interval, Resampler, Sums


def test_the_interval_of_known_draws() -> None:
    interval = Interval.of(7.0, np.append(np.arange(101.0), np.nan))
    assert (interval.value, interval.low, interval.high) == (7.0, 2.5, 97.5)


def test_no_draws_no_interval() -> None:
    assert np.isnan(Interval.of(1.0, np.array([np.nan])).low)


def test_shares_count_only_what_is_among() -> None:
    hit = np.array([[True, True, False], [True, False, False]])
    among = np.array([[True, False, True], [True, True, True]])
    sums = Sums.share(hit, among)
    assert sums.top.tolist() == [1, 1]
    assert sums.bottom.tolist() == [2, 3]
    value, _ = Resampler(np.arange(2), 10).ratio(sums)
    assert value == pytest.approx(2 / 5)


def test_groups_are_drawn_whole() -> None:
    """Two groups of 0s and of 1s: a draw is either, or half and half."""
    values = np.array([0.0, 0, 0, 1, 1, 1])
    draws = Resampler(np.array([5, 5, 5, 9, 9, 9]), 400)
    assert draws.groups == 2
    _, seen = draws.ratio(Sums(top=values, bottom=np.ones(6)))
    assert set(seen.tolist()) == {0.0, 0.5, 1.0}


def test_the_same_on_both_sides_is_no_change() -> None:
    rng = np.random.default_rng(0)
    sums = Sums(top=rng.random(50), bottom=np.ones(50))
    draws = Resampler(np.arange(50), 200)
    same = draws.change(sums, sums, "difference", 100)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    ratio = draws.change(sums, sums, "ratio")
    assert (ratio.value, ratio.low, ratio.high) == (1, 1, 1)


def test_a_paired_change_is_surer_than_its_sides() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(0, 10, 200)
    ones = np.ones(200)
    draws = Resampler(np.arange(200), 300)
    old, new = Sums(top=before, bottom=ones), Sums(top=before + 1, bottom=ones)
    change = draws.change(old, new, "difference")
    assert (change.value, change.low, change.high) == pytest.approx((1, 1, 1))
    assert draws.interval(old).high - draws.interval(old).low > 1


def test_nothing_to_divide_by_is_nan() -> None:
    nothing = Sums(top=np.zeros(3), bottom=np.zeros(3))
    draws = Resampler(np.arange(3), 10)
    assert np.isnan(draws.interval(nothing).value)
    assert np.isnan(draws.change(nothing, nothing, "ratio").value)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """95 % intervals of a mean of groups that hang together, over 300 samples."""
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(300):
        groups = np.repeat(np.arange(60), 4)
        values = rng.normal(0, 1, 60)[groups] + rng.normal(0, 0.3, len(groups))
        draws = Resampler(groups, 200, seed=int(rng.integers(1 << 30)))
        interval = draws.interval(Sums(top=values, bottom=np.ones(len(groups))))
        inside += interval.low <= 0 <= interval.high
    assert 0.91 <= inside / 300 <= 0.98
