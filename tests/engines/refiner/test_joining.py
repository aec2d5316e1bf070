"""Words of several networks on where a joint is, made one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.refiner.joining import SAME_PLACE, join, settle

HEIGHT = 200.0


def one_joint(x: float, y: float, score: float) -> np.ndarray:
    return np.array([[[x, y, score]]], np.float32)


@pytest.mark.parametrize(
    ("moved_px", "given_score", "score", "back"),
    [
        (0.0, 0.5, 0.9, 0.0),
        (2.0, 0.5, 0.9, 0.4 * 0.969),
        (5.0, 0.5, 0.1, 0.4 * 0.823),
        (8.0, 0.5, 0.9, 0.4 * 0.607),
        (8.0, 0.5, 0.1, 1.0),
        (60.0, 0.5, 0.9, 0.0),
        (60.0, 0.01, 0.29, 1.0),
        (60.0, 0.5, 0.3, 0.0),
        (2.0, 0.0, 0.9, 0.0),
        (60.0, 0.0, 0.1, 0.0),
    ],
)
def test_how_far_a_joint_goes_back(
    moved_px: float, given_score: float, score: float, back: float
) -> None:
    before, found = one_joint(50, 50, given_score), one_joint(50, 50 + moved_px, score)
    settled = settle(before, found, HEIGHT, given_weight=0.4, keep_below=0.3)
    assert settled[0, 0, 0] == 50
    assert settled[0, 0, 1] == pytest.approx(50 + moved_px * (1 - back), abs=2e-3 * moved_px + 1e-4)
    assert settled[0, 0, 2] == np.float32(score)
    assert found[0, 0, 1] == np.float32(50 + moved_px)  # the argument is left as it is


places = st.floats(-50, 250)
shares = st.floats(0, 0.999)


@given(places, places, places, places, shares, shares, shares, shares)
def test_a_settled_joint_lies_between_its_two_places(
    x: float, y: float, u: float, v: float, has: float, score: float, weight: float, below: float
) -> None:
    before, found = one_joint(x, y, has), one_joint(u, v, score)
    settled = settle(before, found, HEIGHT, given_weight=weight, keep_below=below)
    low, high = np.minimum(before, found), np.maximum(before, found)
    assert (settled[..., :2] >= low[..., :2] - 1e-3).all()
    assert (settled[..., :2] <= high[..., :2] + 1e-3).all()
    off = settle(before, found, HEIGHT, given_weight=0, keep_below=0)
    assert np.array_equal(off, found)


@given(places, places, places, places, shares, shares)
def test_joining_knows_no_order_and_stays_a_probability(
    x: float, y: float, u: float, v: float, first: float, second: float
) -> None:
    one, other = one_joint(x, y, first), one_joint(u, v, second)
    joined, back = join(one, other, HEIGHT), join(other, one, HEIGHT)
    assert 0 <= joined[0, 0, 2] <= 1
    assert joined[0, 0, 2] == pytest.approx(back[0, 0, 2], abs=1e-6)
    if one[0, 0, 2] != other[0, 0, 2]:
        assert np.allclose(joined, back, atol=1e-4)
    apart = np.hypot(x - u, y - v) > SAME_PLACE * HEIGHT * 1.001
    if apart and first > second + 1e-6:
        assert np.array_equal(joined[..., :2], one[..., :2])
