from __future__ import annotations

import numpy as np
import pytest
from filterpy.common import Q_continuous_white_noise, van_loan_discretization
from filterpy.kalman import KalmanFilter
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steadypose.trackers.motion import Motion, begin, correct, forget, predict

POINTS = 3


def process_noise(dt: float, tau: float) -> NDArray[np.float64]:
    """Noise of one step: filterpy's own for constant velocity, else integrated by van Loan."""
    if np.isinf(tau):
        return np.asarray(Q_continuous_white_noise(2, dt))
    continuous = np.array([[0.0, 1.0], [0.0, -1 / tau]])
    return np.asarray(van_loan_discretization(continuous, np.array([[0.0], [1.0]]), dt)[1])


class Oracle:
    """One filterpy filter per point and axis, fed the same."""

    def __init__(self, measured, noise, velocity, velocity_var) -> None:  # type: ignore[no-untyped-def]
        self.filters = {}
        for index in np.ndindex(*measured.shape):
            one = KalmanFilter(dim_x=2, dim_z=1, dim_u=1)
            one.x = np.array([[measured[index]], [velocity[index]]])
            one.P = np.diag([noise[index[:2]], velocity_var[index[:2]]])
            one.H = np.array([[1.0, 0.0]])
            self.filters[index] = one

    def predict(self, dt, density, drift, memory) -> None:  # type: ignore[no-untyped-def]
        for index, one in self.filters.items():
            tau = memory[index[1]]
            keep = np.exp(-dt / tau)
            reach = tau * (1 - keep) if np.isfinite(tau) else dt
            one.predict(
                u=np.array([[drift[index]]]),
                B=np.array([[dt - reach], [1 - keep]]),
                F=np.array([[1.0, reach], [0.0, keep]]),
                Q=process_noise(dt, tau) * density[index[:2]],
            )

    def correct(self, measured, noise) -> None:  # type: ignore[no-untyped-def]
        for index, one in self.filters.items():
            if np.isfinite(measured[index]):
                one.update(measured[index], R=noise[index[:2]])

    def assert_agrees(self, motion: Motion) -> None:
        for index, one in self.filters.items():
            point = index[:2]
            covariance = [
                [motion.position_var[point], motion.covariance[point]],
                [motion.covariance[point], motion.velocity_var[point]],
            ]
            state = [motion.position[index], motion.velocity[index]]
            np.testing.assert_allclose(one.x[:, 0], state, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(one.P, covariance, rtol=1e-9, atol=1e-9)


@given(seed=st.integers(0, 2**32 - 1), fading=st.booleans())
@settings(max_examples=25, deadline=None)
def test_batched_filters_agree_with_filterpy(seed: int, fading: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = (2, POINTS)
    measured, velocity = rng.normal(0, 100, (2, *shape, 2))
    noise, velocity_var = rng.uniform(0.5, 20, (2, *shape))
    motion = begin(Motion.unseen(*shape), measured, noise, velocity, velocity_var)
    oracle = Oracle(measured, noise, velocity, velocity_var)
    memory = rng.uniform(0.05, 3, POINTS) if fading else np.full(POINTS, np.inf)
    for _ in range(12):
        dt = float(rng.choice([0.001, 0.01, 0.04, 0.5])) * rng.uniform(0.5, 1.5)
        density, drift = rng.uniform(0.1, 50, shape), rng.normal(0, 30, (*shape, 2))
        motion = predict(motion, dt, density, drift, memory)
        oracle.predict(dt, density, drift, memory)
        measured, noise = rng.normal(0, 100, (*shape, 2)), rng.uniform(0.5, 20, shape)
        measured[rng.random(shape) < 0.3] = np.nan
        motion = correct(motion, measured, noise)
        oracle.correct(measured, noise)
        oracle.assert_agrees(motion)


def moving(speed: float = 10.0) -> Motion:
    ones = np.ones((1, 1))
    return begin(
        Motion.unseen(1, 1), np.zeros((1, 1, 2)), ones, np.full((1, 1, 2), speed), 4 * ones
    )


STEPS = pytest.mark.parametrize(
    "steps", [(1.0,), (0.3, 0.7), (0.04,) * 25, (0.0005,) * 2000], ids=["1", "2", "25", "2000"]
)


@STEPS
@pytest.mark.parametrize("memory_s", [0.1, 1.0, np.inf])
def test_many_short_steps_are_one_long_step(steps: tuple[float, ...], memory_s: float) -> None:
    drift, density, memory = np.full((1, 1, 2), 4.0), np.full((1, 1), 3.0), np.array([memory_s])
    motion, once = moving(), predict(moving(), 1.0, density, drift, memory)
    for dt in steps:
        motion = predict(motion, dt, density, drift, memory)
    for name in Motion.__slots__:
        np.testing.assert_allclose(getattr(motion, name), getattr(once, name), rtol=1e-8)


@STEPS
def test_constant_velocity_goes_straight_on(steps: tuple[float, ...]) -> None:
    motion, still, memory = moving(), np.zeros((1, 1, 2)), np.array([np.inf])
    for dt in steps:
        motion = predict(motion, dt, np.full((1, 1), 3.0), still, memory)
    assert motion.position[0, 0] == pytest.approx([10, 10])
    assert motion.position_var[0, 0] == pytest.approx(1 + 4 + 3 / 3)
    assert motion.covariance[0, 0] == pytest.approx(4 + 3 / 2)
    assert motion.velocity_var[0, 0] == pytest.approx(4 + 3)


def test_own_speed_fades_into_that_of_the_body() -> None:
    drift = np.full((1, 1, 2), 2.0)
    motion = predict(moving(10), 30.0, np.ones((1, 1)), drift, np.array([0.5]))
    assert motion.velocity[0, 0] == pytest.approx([2, 2])
    assert motion.position[0, 0] == pytest.approx([30 * 2 + 0.5 * 8] * 2)


def test_no_time_changes_nothing() -> None:
    motion = moving()
    density, still = np.ones((1, 1)), np.zeros((1, 1, 2))
    assert predict(motion, 0.0, density, still, np.array([1.0])) is motion


def test_points_not_measured_are_only_predicted() -> None:
    motion = moving()
    unseen = correct(motion, np.full((1, 1, 2), np.nan), np.ones((1, 1)))
    for name in Motion.__slots__:
        assert np.array_equal(getattr(unseen, name), getattr(motion, name))


def test_a_forgotten_point_begins_anew() -> None:
    motion = forget(moving(), np.array([[True]]))
    assert not motion.seen.any()
    ones = np.ones((1, 1))
    still = np.zeros((1, 1, 2))
    assert not correct(motion, np.full((1, 1, 2), 7.0), ones).seen.any()
    again = begin(motion, np.full((1, 1, 2), 7.0), 2 * ones, still, 3 * ones)
    assert again.position[0, 0].tolist() == [7, 7]
    assert (again.position_var[0, 0], again.covariance[0, 0], again.velocity_var[0, 0]) == (2, 0, 3)
