from __future__ import annotations

import numpy as np
import pytest

from steadypose.benchmarks.latency.slopes import slope


def test_noise_is_flat_and_growth_is_found() -> None:
    random = np.random.default_rng(1)
    times = np.linspace(0, 600, 18_000)
    noise = random.normal(100, 20, times.size)
    assert slope(times, noise).is_flat
    grown = slope(times, noise + times * 10 / 3600)
    assert not grown.is_flat
    assert grown.per_hour == pytest.approx(10, abs=4)
    assert grown.low < 10 < grown.high


def test_the_interval_holds_the_truth_in_nineteen_of_twenty() -> None:
    random = np.random.default_rng(2)
    times = np.linspace(0, 60, 600)
    held = [slope(times, random.normal(0, 1, times.size)).is_flat for _ in range(400)]
    assert 0.92 < np.mean(held) < 0.98


def test_a_gap_in_the_values_is_no_trouble() -> None:
    times = np.concatenate([np.linspace(0, 20, 50), np.linspace(50, 60, 50)])
    assert slope(times, 3 * times).per_hour == pytest.approx(3 * 3600, rel=0.02)
