"""Simulated scores of the joints of erroneous poses."""

from __future__ import annotations

import numpy as np
import pytest

from steadypose.engines.refiner.error_scores import simulate_scores
from steadypose.engines.refiner.error_table import ErrorKind
from steadypose.errors import InputError
from steadypose.skeletons import COCO19

K = len(COCO19)
KINDS = {kind.name.lower(): kind for kind in ErrorKind}
EVERY_KIND = np.repeat(np.arange(len(ErrorKind)), 40)


def many_scores(drop: float, rounds: int = 400) -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.stack([simulate_scores(rng, EVERY_KIND, drop) for _ in range(rounds)])


def test_scores_lie_in_range_and_are_0_only_where_nothing_is_reported() -> None:
    scores = many_scores(0.0, 100)
    missing = ErrorKind.MISSING == EVERY_KIND
    assert scores.dtype == np.float32
    assert (scores[:, missing] == 0).all()
    assert scores[:, ~missing].min() >= np.float32(0.01)
    assert scores.max() <= 1


@pytest.mark.parametrize("drop", [0.0, 0.05, 0.3, 1.0])
def test_the_stated_share_of_joints_is_dropped(drop: float) -> None:
    scores = many_scores(drop)[:, ErrorKind.MISSING != EVERY_KIND]
    assert scores.size >= 90_000
    assert (scores == 0).mean() == pytest.approx(drop, abs=0.005)


def test_scores_tell_good_joints_from_wrong_ones_but_not_always() -> None:
    scores = many_scores(0.0)
    pairs = {}
    for kind in ("jitter", "miss", "inversion", "swap"):
        good = scores[:, EVERY_KIND == ErrorKind.GOOD]
        wrong = scores[:, KINDS[kind] == EVERY_KIND]
        pairs[kind] = float((good > wrong).mean())
    assert all(0.52 < share < 0.97 for share in pairs.values())
    assert pairs["miss"] > pairs["inversion"] > pairs["jitter"]


def test_estimators_differ_in_scale() -> None:
    means = many_scores(0.0)[:, ErrorKind.GOOD == EVERY_KIND].mean(1)
    low, high = np.percentile(means, [5, 95])
    assert high > 1.8 * low


@pytest.mark.parametrize("drop", [-0.1, 1.1, float("nan")])
def test_an_impossible_drop_is_refused(drop: float) -> None:
    with pytest.raises(InputError, match="drop"):
        simulate_scores(np.random.default_rng(0), EVERY_KIND, drop)
