from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

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


@pytest.mark.parametrize("rho", [0.0, 0.9, 0.99, 1.0])
def test_the_interval_holds_the_truth_however_long_the_noise_lasts(rho: float) -> None:
    random = np.random.default_rng(2)
    times, before = np.linspace(0, 600, 600), 1000
    held = []
    for _ in range(300):
        noise = lfilter([1], [1, -rho], random.normal(0, 1, times.size + before))[before:]
        held.append(slope(times, noise).is_flat)
    assert 0.88 < np.mean(held) < 0.99


def test_steps_are_no_growth_and_a_leak_beneath_them_is() -> None:
    random = np.random.default_rng(3)
    times = np.linspace(0, 600, 600)
    held, found = [], []
    for _ in range(200):
        memory = random.normal(0, 0.05, times.size)
        for at in random.integers(0, 600, 4):
            memory[at:] += random.choice([-1, 1]) * random.exponential(0.5)
        held.append(slope(times, memory).is_flat)
        found.append(slope(times, memory + times * 100 / 3600).low > 0)
    assert np.mean(held) > 0.88
    assert np.mean(found) > 0.95


def test_a_gap_in_the_values_is_no_trouble() -> None:
    times = np.concatenate([np.linspace(0, 20, 50), np.linspace(50, 60, 50)])
    assert slope(times, 3 * times).per_hour == pytest.approx(3 * 3600, rel=0.02)
