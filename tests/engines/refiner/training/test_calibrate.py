from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from steadypose.engines.refiner.training.calibrate import (
    expected_calibration_error,
    fit_calibration,
)


def draw(
    scales: list[float], biases: list[float], count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (count, len(scales)))
    chance = expit(logits * np.array(scales) + np.array(biases))
    return logits, rng.random(logits.shape) < chance, np.ones(logits.shape, bool)


def test_each_joint_gets_its_own_scale_and_bias() -> None:
    scales, biases = [0.5, 1.0, 2.0], [-1.0, 0.0, 1.5]
    found = fit_calibration(*draw(scales, biases, 20_000), ridge=1.0)
    np.testing.assert_allclose(found.scale, scales, atol=0.1)
    np.testing.assert_allclose(found.bias, biases, atol=0.1)


def test_a_fit_makes_the_error_small() -> None:
    logits, right, known = draw([0.4] * 4, [-1.0] * 4, 5000)
    before = expected_calibration_error(expit(logits[known]), right[known])
    found = fit_calibration(logits, right, known, ridge=50)
    after = expected_calibration_error(
        expit(logits * found.scale + found.bias)[known], right[known]
    )
    assert before > 0.15
    assert after < 0.03


def test_a_joint_with_few_samples_stays_near_the_common_fit() -> None:
    logits, right, known = draw([1.0, 1.0], [0.0, 0.0], 4000)
    known[8:, 1] = False
    right[:, 1] = True  # eight of eight: alone it would go to infinity
    found = fit_calibration(logits, right, known, ridge=50)
    assert abs(found.bias[1] - found.bias[0]) < 0.3
    loose = fit_calibration(logits, right, known, ridge=0.1)
    assert loose.bias[1] > found.bias[1]


def test_a_joint_without_samples_takes_the_common_fit() -> None:
    logits, right, known = draw([0.7, 0.7], [0.3, 0.3], 1000)
    known[:, 1] = False
    found = fit_calibration(logits, right, known, ridge=50)
    alone = fit_calibration(logits[:, :1], right[:, :1], known[:, :1], ridge=1e9)
    assert found.scale[1] == pytest.approx(alone.scale[0], abs=1e-3)
    assert found.bias[1] == pytest.approx(alone.bias[0], abs=1e-3)


@pytest.mark.parametrize("answer", [True, False], ids=["all-right", "all-wrong"])
def test_a_fit_to_one_answer_is_finite(answer: bool) -> None:
    logits = np.random.default_rng(0).normal(size=(100, 2))
    found = fit_calibration(logits, np.full((100, 2), answer), np.ones((100, 2), bool), 0.0)
    assert np.isfinite(found.scale).all()
    assert np.isfinite(found.bias).all()


def test_the_order_within_a_joint_is_kept() -> None:
    logits = np.linspace(-3, 3, 200)[:, None]
    found = fit_calibration(logits, logits < 0, np.ones(logits.shape, bool), 0.0)
    assert (found.scale > 0).all()


@pytest.mark.parametrize(
    ("probability", "right", "expected"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [True, False], 0.5),
        ([0.8, 0.8, 0.8, 0.8, 0.8], [True, True, True, True, False], 0.0),
        ([0.05, 0.95], [True, False], 0.95),
        ([0.0], [False], 0.0),
    ],
    ids=["sure-and-right", "too-sure", "true-to-its-word", "upside-down", "surely-not"],
)
def test_ece_by_hand(probability: list[float], right: list[bool], expected: float) -> None:
    found = expected_calibration_error(np.array(probability), np.array(right))
    assert found == pytest.approx(expected, abs=1e-9)


def test_ece_of_nothing_is_nan() -> None:
    assert np.isnan(expected_calibration_error(np.empty(0), np.empty(0, bool)))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_ece_is_a_share_and_at_least_the_whole_bias(samples: list[tuple[float, bool]]) -> None:
    p, right = np.array([s[0] for s in samples]), np.array([s[1] for s in samples])
    found = expected_calibration_error(p, right)
    assert abs(right.mean() - p.mean()) - 1e-9 <= found <= 1
