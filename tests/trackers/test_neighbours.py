from __future__ import annotations

import numpy as np
import pytest

from steadypose.trackers import neighbours
from steadypose.trackers.neighbours import touching, within

SEEDS = pytest.mark.parametrize("seed", range(8))


def whole(rng: np.random.Generator, *shape: int) -> neighbours.Array:
    """Small whole numbers, so that many are equal."""
    return rng.integers(0, 12, shape).astype(np.float64)


@SEEDS
@pytest.mark.parametrize("people", [0, 1, 2, 30])
def test_touching_boxes_are_those_that_share_an_area(seed: int, people: int) -> None:
    rng = np.random.default_rng(seed)
    low = whole(rng, people, 2)
    boxes = np.concatenate([low, low + 1 + whole(rng, people, 2) / 4], 1)
    first, second = touching(boxes)
    found = {frozenset(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)}
    assert len(found) == len(first)
    overlap = (boxes[:, None, :2] < boxes[None, :, 2:]).all(2)
    expected = np.argwhere(np.triu(overlap & overlap.T, 1))
    assert found == {frozenset(pair) for pair in expected.tolist()}


@SEEDS
@pytest.mark.parametrize("few", [0, neighbours._FEW])
@pytest.mark.parametrize("counts", [(0, 3), (3, 0), (1, 1), (20, 30)])
def test_points_within_reach_are_those_that_a_look_at_all_finds(
    monkeypatch: pytest.MonkeyPatch, seed: int, few: int, counts: tuple[int, int]
) -> None:
    monkeypatch.setattr(neighbours, "_FEW", few)
    rng = np.random.default_rng(seed)
    first, second = (whole(rng, count, 2) for count in counts)
    reach, other = (whole(rng, count) / 4 for count in counts)
    one, two = within(first, second, reach, other)
    near = np.abs(first[:, None] - second) <= (reach[:, None] + other)[..., None]
    found = sorted(zip(one.tolist(), two.tolist(), strict=True))
    assert found == [tuple(pair) for pair in np.argwhere(near.all(2)).tolist()]
    assert one.tolist() == sorted(one)
