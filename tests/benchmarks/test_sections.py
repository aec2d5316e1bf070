"""The parts of the refiner's benchmark that have a formula of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.refiner.networks import PADDING, SIZE
from steadypose.benchmarks.refiner.people import Rows
from steadypose.benchmarks.refiner.resampling import Resampler, Sums
from steadypose.benchmarks.refiner.sections.calibration import bin_sums, ece, reliability
from steadypose.benchmarks.refiner.sections.jitter import shifted, spread
from steadypose.benchmarks.refiner.sections.pck import with_head_ends
from steadypose.benchmarks.refiner.sections.presence import area_under_roc
from steadypose.benchmarks.refiner.sections.prior import (
    RIGHT,
    WRONG,
    destroy,
    draw_priors,
    recovered,
)
from steadypose.engines.crops import pixels_per_crop_pixel
from steadypose.engines.refiner.training.calibrate import expected_calibration_error
from tests.benchmarks.made_up import found, people, row


def test_spread_is_in_crop_pixels() -> None:
    joints = np.zeros((4, 2, 19, 3), np.float32)
    joints[:, 0, 0, 0] = (0, 6, 0, 6)  # std 3 in x
    joints[:, 0, 0, 1] = (0, 0, 8, 8)  # std 4 in y
    seen = spread(joints, np.array([2.0, 1.0]))
    assert seen[0, 0] == pytest.approx(2.5)
    assert seen.sum() == pytest.approx(2.5)


def test_shifts_stay_within_four_crop_pixels() -> None:
    boxes = np.array([[10, 20, 110, 220], [0, 0, 20, 30]], np.float32)
    moved = shifted(Rows(paths=(Path("a"), Path("b")), boxes=boxes), seed=0)
    scale = pixels_per_crop_pixel(boxes, SIZE, PADDING)[:, None]
    ways = np.stack([(rows.boxes - boxes) / scale for rows in moved])
    assert np.abs(ways).max() <= 4.001
    assert np.abs(ways).max() > 2
    assert ways[..., :2] == pytest.approx(ways[..., 2:], abs=1e-4)  # no box changes its size


def test_ece_of_known_probabilities() -> None:
    told = np.array([[0.9] * 10, [0.1] * 10])
    right = np.array([[True] * 7 + [False] * 3, [True] * 2 + [False] * 8])
    total = bin_sums(told, right, np.ones_like(right)).sum(0)
    assert float(ece(total)) == pytest.approx((0.2 + 0.1) / 2)
    assert [(cell["told"], cell["right"]) for cell in reliability(total)] == [
        (0.1, 0.2),
        (0.9, 0.7),
    ]


def test_ece_is_that_of_the_training() -> None:
    rng = np.random.default_rng(0)
    told, known = rng.random((40, 19)), rng.random((40, 19)) < 0.7
    right = rng.random((40, 19)) < told**2
    told[0, 0] = 1.0
    sums = bin_sums(told, right, known).sum(0)
    assert float(ece(sums)) == pytest.approx(expected_calibration_error(told[known], right[known]))


def test_what_is_calibrated_has_a_small_ece() -> None:
    rng = np.random.default_rng(1)
    told = rng.random((2000, 19))
    right = rng.random(told.shape) < told
    assert float(ece(bin_sums(told, right, np.ones_like(right)).sum(0))) < 0.01


def test_one_joint_in_four_is_destroyed() -> None:
    some = people(*[(i, 0) for i in range(30)])
    joints = found(some)
    damaged, hit = destroy(np.random.default_rng(0), joints, some.head)
    assert (hit.sum(1) == 4).all()
    assert not hit[:, 17:].any()
    assert (damaged[~hit] == joints[~hit]).all()
    gone = damaged[..., 2] == 0
    assert (gone & hit).sum() == gone.sum() == 2 * len(some)
    moved = hit & ~gone
    way = np.linalg.norm((damaged - joints)[moved][:, :2], axis=1) / 30
    assert way.min() >= 0.999
    assert way.max() <= 3.001


@pytest.mark.parametrize(
    ("with_prior", "share"), [(50, 0.0), (65, 0.5), (80, 1.0)], ids=["none", "half", "all"]
)
def test_the_share_recovered(with_prior: int, share: float) -> None:
    draws = Resampler(np.arange(10), 20)
    whole, damaged, helped = (
        Sums(top=np.full(10, float(top)), bottom=np.full(10, 100.0)) for top in (80, 50, with_prior)
    )
    found_again = recovered(draws, whole, damaged, helped)
    assert (found_again.value, found_again.low, found_again.high) == pytest.approx((share,) * 3)


def test_nothing_lost_is_nothing_to_recover() -> None:
    draws = Resampler(np.arange(10), 20)
    sums = Sums(top=np.full(10, 80.0), bottom=np.full(10, 100.0))
    assert np.isnan(recovered(draws, sums, sums, sums).value)


def test_right_priors_are_near_and_wrong_ones_are_not() -> None:
    some = people(*[(3 * i, 0) for i in range(40)])
    joints = found(some)
    away = {}
    for name, mixture in (("right", RIGHT), ("wrong", WRONG)):
        priors = draw_priors(np.random.default_rng(0), some, joints, mixture)
        known = priors[..., 2] > 0
        assert known.mean() > 0.8
        away[name] = np.median(np.linalg.norm(priors[..., :2] - some.truth, axis=2)[known])
    assert away["right"] < 15 < away["wrong"]


def test_a_wrong_prior_is_the_neighbours() -> None:
    two = people((0, 0), (70, 0), together=True)
    priors = draw_priors(np.random.default_rng(3), two, found(two), WRONG)
    known = priors[0, :, 2] > 0
    to_other = np.linalg.norm(priors[0, :, :2] - two.truth[1], axis=1)[known]
    to_own = np.linalg.norm(priors[0, :, :2] - two.truth[0], axis=1)[known]
    assert np.median(to_other) < np.median(to_own)


def test_head_top_and_neck_are_guessed_from_the_rest() -> None:
    one = people((0, 0))
    joints = found(one)
    joints[:, 17:] = 0
    guessed = with_head_ends(joints)
    assert (guessed[:, :17] == joints[:, :17]).all()
    shoulders = one.truth[0, [row("left_shoulder"), row("right_shoulder")]].mean(0)
    nose = one.truth[0, row("nose")]
    assert guessed[0, row("neck"), :2] == pytest.approx(shoulders + 0.3 * (nose - shoulders))
    assert guessed[0, row("head_top"), 2] == 1


def test_area_under_roc() -> None:
    draws = Resampler(np.arange(4), 30)
    high, low = np.array([0.9, 0.8, 0.9, 0.7]), np.array([0.1, 0.2, 0.3, 0.6])
    sure = area_under_roc(draws, high, low)
    assert (sure.value, sure.low, sure.high) == (1, 1, 1)
    assert area_under_roc(draws, high, high).value == pytest.approx(0.5)
    assert area_under_roc(draws, np.array([0.5, 0.1, 0.5, 0.1]), low).value == 7 / 16
