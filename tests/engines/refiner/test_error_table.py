"""The shares of the kinds of errors agree with the documented table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.refiner.error_table import (
    ErrorKind,
    count_visible,
    draw_kinds,
    error_probabilities,
)
from steadypose.engines.refiner.errors import synthesise
from steadypose.skeletons import COCO19
from tests.engines.refiner.scenes import K, scene

YES, NO = np.ones(K, bool), np.zeros(K, bool)
HAS_TWIN = np.isin(np.arange(K), COCO19.flip_pairs)
KINDS = {kind.name.lower(): kind for kind in ErrorKind}


@pytest.mark.parametrize(
    ("joint", "visible", "overlaps", "kind", "probability"),
    [
        ("nose", 5, 0, "jitter", 0.15),
        ("nose", 11, 0, "jitter", 0.10),
        ("left_eye", 10, 0, "jitter", 0.20),
        ("right_ear", 17, 0, "jitter", 0.15),
        ("left_shoulder", 5, 0, "miss", 0.20),
        ("left_shoulder", 6, 0, "miss", 0.13),
        ("left_shoulder", 11, 0, "miss", 0.05),
        ("left_wrist", 3, 0, "miss", 0.25),
        ("right_elbow", 10, 0, "miss", 0.15),
        ("right_elbow", 12, 0, "miss", 0.10),
        ("left_hip", 8, 0, "jitter", 0.25),
        ("left_hip", 12, 0, "jitter", 0.20),
        ("left_hip", 12, 0, "inversion", 0.06),
        ("left_knee", 4, 0, "miss", 0.25),
        ("left_ankle", 4, 0, "miss", 0.20),
        ("left_ankle", 7, 0, "miss", 0.13),
        ("left_ankle", 14, 0, "miss", 0.05),
        ("left_eye", 14, 0, "miss", 0.02),
        ("left_eye", 14, 0, "inversion", 0.01),
        ("left_wrist", 14, 0, "inversion", 0.03),
        ("left_wrist", 10, 0, "swap", 0.06),
        ("left_wrist", 10, 1, "swap", 0.15),
        ("left_wrist", 11, 1, "swap", 0.06),
        ("left_wrist", 11, 3, "swap", 0.15),
        ("left_wrist", 15, 3, "swap", 0.15),
        ("left_wrist", 16, 3, "swap", 0.06),
        ("left_hip", 10, 1, "swap", 0.10),
        ("left_ankle", 16, 5, "swap", 0.03),
        ("nose", 10, 1, "swap", 0.02),
        ("nose", 17, 1, "swap", 0.01),
        ("left_wrist", 14, 0, "good", 1 - 0.15 - 0.10 - 0.03 - 0.06),
    ],
)
def test_the_table_holds_the_documented_probability(
    joint: str, visible: int, overlaps: int, kind: str, probability: float
) -> None:
    table = error_probabilities(visible, overlaps, YES, YES)
    assert table[COCO19.index(joint), KINDS[kind]] == pytest.approx(probability)


def test_head_top_and_neck_take_the_rows_of_nose_and_shoulder() -> None:
    table = error_probabilities(8, 1, YES, YES)
    np.testing.assert_array_equal(table[COCO19.index("head_top")], table[COCO19.index("nose")])
    np.testing.assert_array_equal(table[COCO19.index("neck")], table[COCO19.index("left_shoulder")])
    assert count_visible(YES) == 17


@given(st.integers(0, 19), st.integers(0, 6), st.booleans(), st.booleans())
def test_rows_sum_to_one_and_impossible_kinds_have_no_share(
    visible: int, overlaps: int, twin: bool, neighbour: bool
) -> None:
    full = error_probabilities(visible, overlaps, YES, YES)
    table = error_probabilities(visible, overlaps, YES & twin, YES & neighbour)
    np.testing.assert_allclose(table.sum(1), 1)
    kept = [ErrorKind.GOOD, ErrorKind.JITTER, ErrorKind.MISS]
    assert (table[:, ErrorKind.INVERSION] > 0).all() == twin
    assert (table[:, ErrorKind.SWAP] > 0).all() == neighbour
    scale = table[:, :1] / full[:, :1]
    np.testing.assert_allclose(table[:, kept], full[:, kept] * scale)


@pytest.mark.parametrize("overlaps", [0, 1, 3])
@pytest.mark.parametrize("visible", [4, 9, 14])
def test_the_shares_of_100_000_draws_agree_with_the_table(visible: int, overlaps: int) -> None:
    table = error_probabilities(visible, overlaps, HAS_TWIN, YES)
    rng = np.random.default_rng(visible)
    for row in table:
        kinds = draw_kinds(rng, np.broadcast_to(row, (100_000, 5)))
        shares = np.bincount(kinds, minlength=5) / len(kinds)
        np.testing.assert_allclose(shares, row, atol=0.01)


@pytest.mark.parametrize("others", [0, 1])
def test_the_shares_of_whole_poses_agree_with_the_table(others: int) -> None:
    person = scene(0, others, spread=400.0, labels=1.0)
    person["area"] = 5_000.0
    person["neighbours"] += 1_000.0  # near enough to be taken for, but not overlapping
    rng = np.random.default_rng(5)
    made = np.stack([synthesise(rng, **person).kinds for _ in range(5_300)])
    expected = error_probabilities(17, 0, HAS_TWIN, YES & (others > 0))
    shares = np.stack([(made == kind).mean() for kind in range(5)])
    np.testing.assert_allclose(shares, expected.mean(0), atol=0.01)


def test_overlap_makes_swaps_more_likely() -> None:
    person = scene(0, 1, spread=400.0, labels=1.0)
    person["labelled"] = np.isin(np.arange(K), np.arange(5, 15))
    apart = person | {"neighbours": person["truth"][None] + 1_000}
    close = person | {"neighbours": person["truth"][None] + 60}
    shares = []
    for each in (apart, close):
        rng = np.random.default_rng(3)
        kinds = np.stack([synthesise(rng, **each).kinds[5:11] for _ in range(1_500)])
        shares.append((kinds == ErrorKind.SWAP).mean())
    assert shares == pytest.approx([0.06, 0.15], abs=0.015)
