from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.refiner.error_scores import simulate_scores
from steadypose.engines.refiner.error_table import (
    ErrorKind,
    count_visible,
    draw_kinds,
    error_probabilities,
)
from steadypose.engines.refiner.errors import SynthesisedPose, ks_distance, synthesise
from steadypose.errors import InputError
from steadypose.geometry import oks_pairs
from steadypose.skeletons import COCO19

K = len(COCO19)
YES, NO = np.ones(K, bool), np.zeros(K, bool)
HAS_TWIN = np.isin(np.arange(K), COCO19.flip_pairs)
KINDS = {kind.name.lower(): kind for kind in ErrorKind}
LEAST_KS = {"good": 0.85, "jitter": 0.5, "miss": 0.1, "inversion": 0.5, "swap": 0.5}
GREATEST_KS = {"good": 1.0, "jitter": 0.85, "miss": 0.5, "inversion": 1.0, "swap": 1.0}
ROUNDING_PX = 2e-3


def scene(seed: int, others: int, spread: float = 200.0, labels: float = 0.8) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "truth": rng.uniform(0, spread, (K, 2)).astype(np.float32),
        "labelled": rng.random(K) < labels,
        "area": float(rng.uniform(500, 40_000)),
        "neighbours": rng.uniform(-spread / 2, 1.5 * spread, (others, K, 2)).astype(np.float32),
        "neighbours_labelled": rng.random((others, K)) < labels,
    }


scenes = st.builds(
    scene,
    st.integers(0, 10_000),
    st.integers(0, 5),
    st.sampled_from([15.0, 200.0, 800.0]),
    st.sampled_from([0.2, 0.6, 1.0]),
)
seeds = st.integers(0, 2**32 - 1)


def anchors(person: dict[str, Any], k: int) -> dict[str, list[np.ndarray]]:
    """The places that joint k may be taken for, by the kind of error that is made on them."""
    pose, twin = person["truth"], int(COCO19.flip_indices[k])
    rows = {k, twin}
    others = [
        other[j]
        for other, seen in zip(person["neighbours"], person["neighbours_labelled"], strict=True)
        for j in rows
        if seen[j]
    ]
    twins = [pose[twin]] if twin != k and person["labelled"][twin] else []
    own = [pose[k]]
    return {
        "good": own,
        "jitter": own,
        "miss": [*own, *twins, *others],
        "inversion": twins,
        "swap": others,
    }


@given(scenes, seeds)
def test_every_joint_keeps_the_rules_of_its_kind(person: dict[str, Any], seed: int) -> None:
    made = synthesise(np.random.default_rng(seed), **person)
    for k in np.flatnonzero(person["labelled"]):
        kind = ErrorKind(made.kinds[k]).name.lower()
        places = anchors(person, int(k))
        low = ks_distance(GREATEST_KS[kind], person["area"], COCO19.sigmas[k])
        high = ks_distance(LEAST_KS[kind], person["area"], COCO19.sigmas[k])
        way = [np.hypot(*(made.keypoints[k] - place)) for place in places[kind]]
        nearest = min(np.hypot(*(made.keypoints[k] - place)) for place in places["miss"])
        assert any(
            low - ROUNDING_PX <= d <= high + ROUNDING_PX and d <= nearest + ROUNDING_PX for d in way
        ), (COCO19.keypoints[k], kind)


def test_distances_fill_the_whole_range_of_their_kind() -> None:
    person = scene(7, 2, spread=4_000.0, labels=1.0)  # nobody in anybody's way
    rng = np.random.default_rng(1)
    shares: dict[str, list[float]] = {name: [] for name in LEAST_KS}
    for _ in range(1_500):
        made = synthesise(rng, **person)
        for k in range(K):
            kind = ErrorKind(made.kinds[k]).name.lower()
            low = ks_distance(GREATEST_KS[kind], person["area"], COCO19.sigmas[k])
            high = ks_distance(LEAST_KS[kind], person["area"], COCO19.sigmas[k])
            way = min(np.hypot(*(made.keypoints[k] - p)) for p in anchors(person, k)[kind])
            shares[kind].append(float((way - low) / (high - low)))
    for name, values in shares.items():
        assert len(values) > 200, name
        assert np.mean(values) == pytest.approx(0.5, abs=0.06), name
        assert -1e-3 < min(values) < 0.03, name
        assert 0.97 < max(values) < 1 + 1e-3, name


@given(scenes, seeds)
def test_unlabelled_joints_take_the_base_or_stay_missing(person: dict[str, Any], seed: int) -> None:
    base = np.full((K, 2), np.nan, np.float32)
    base[::2] = 7.5
    bare = synthesise(np.random.default_rng(seed), **person)
    based = synthesise(np.random.default_rng(seed), **person, base=base)
    open_joints = ~person["labelled"]
    even = np.arange(K) % 2 == 0
    assert (bare.kinds[open_joints] == ErrorKind.MISSING).all()
    assert np.isnan(bare.keypoints[open_joints]).all()
    assert (based.kinds[open_joints & even] == ErrorKind.BASE).all()
    assert (based.keypoints[open_joints & even] == 7.5).all()
    assert (based.kinds[open_joints & ~even] == ErrorKind.MISSING).all()
    for made in (bare, based):
        assert np.isfinite(made.keypoints[person["labelled"]]).all()
        assert (made.kinds[person["labelled"]] <= ErrorKind.SWAP).all()


@given(scenes, seeds)
def test_the_same_seed_gives_the_same_pose(person: dict[str, Any], seed: int) -> None:
    first = synthesise(np.random.default_rng(seed), **person)
    second = synthesise(np.random.default_rng(seed), **person)
    np.testing.assert_array_equal(first.keypoints, second.keypoints)
    np.testing.assert_array_equal(first.kinds, second.kinds)
    assert first.keypoints.dtype == np.float32
    assert first.keypoints.shape == (K, 2)


def test_another_seed_gives_another_pose() -> None:
    person = scene(1, 2)
    one, two = (synthesise(np.random.default_rng(s), **person).keypoints for s in (1, 2))
    assert not np.array_equal(one, two, equal_nan=True)


def test_the_inputs_are_left_alone() -> None:
    person = scene(3, 2)
    before = person["truth"].copy(), person["neighbours"].copy()
    synthesise(np.random.default_rng(0), **person)
    np.testing.assert_array_equal(person["truth"], before[0])
    np.testing.assert_array_equal(person["neighbours"], before[1])


def test_a_base_is_an_anchor_for_the_twin() -> None:
    person = scene(4, 0, labels=0.0)
    left, right = COCO19.index("left_wrist"), COCO19.index("right_wrist")
    person["labelled"][left] = True
    base = np.full((K, 2), np.nan)
    base[right] = [900.0, 900.0]
    rng = np.random.default_rng(0)
    made = [synthesise(rng, **person, base=base) for _ in range(600)]
    inverted = [m for m in made if m.kinds[left] == ErrorKind.INVERSION]
    assert inverted
    reach = ks_distance(0.5, person["area"], COCO19.sigmas[left])
    for m in inverted:
        assert np.hypot(*(m.keypoints[left] - 900)) <= reach + ROUNDING_PX


def test_a_joint_that_has_no_room_for_its_error_becomes_a_good_one() -> None:
    # A ring of other people's noses so close that every jitter lands nearer to one of them.
    nose, area = COCO19.index("nose"), 10_000.0
    ring = ks_distance(0.85, area, COCO19.sigmas[nose]) / 4
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    neighbours = np.zeros((16, K, 2))
    neighbours[:, nose] = 50 + ring * np.stack([np.cos(angles), np.sin(angles)], 1)
    truth = np.full((K, 2), 50.0)
    only_nose = np.arange(K) == nose
    rng = np.random.default_rng(0)
    made = [
        synthesise(rng, truth, only_nose, area, neighbours, np.tile(only_nose, (16, 1)))
        for _ in range(300)
    ]
    kinds = np.array([m.kinds[nose] for m in made])
    assert ErrorKind.JITTER not in kinds
    assert {ErrorKind.GOOD, ErrorKind.SWAP} <= set(kinds)
    exact = [m for m in made if np.array_equal(m.keypoints[nose], [50, 50])]
    assert exact
    assert all(m.kinds[nose] == ErrorKind.GOOD for m in exact)


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


@pytest.mark.parametrize("ks", [0.1, 0.5, 0.85, 1.0])
def test_ks_distance_undoes_the_similarity_of_one_joint(ks: float) -> None:
    distance = ks_distance(ks, 2_000.0, COCO19.sigmas)
    here = np.zeros((K, 1, 2))
    there = np.stack([distance, np.zeros(K)], 1)[:, None]
    for k in range(K):
        similarity = oks_pairs(
            here[k][None], there[k][None], np.array([2_000.0]), COCO19.sigmas[k : k + 1]
        )
        assert similarity[0] == pytest.approx(ks)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"area": 0.0}, "area"),
        ({"area": float("nan")}, "area"),
        ({"truth": np.zeros((17, 2))}, "synthesise"),
        ({"neighbours": np.zeros((1, K, 2))}, "synthesise"),
        ({"truth": np.full((K, 2), np.nan)}, "truth"),
    ],
    ids=["area 0", "area NaN", "17 joints", "mask missing", "NaN labelled"],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        synthesise(np.random.default_rng(0), **(scene(0, 0, labels=1.0) | change))


@pytest.mark.parametrize(("visible", "overlaps"), [(-1, 0), (3, -1)])
def test_negative_counts_are_refused(visible: int, overlaps: int) -> None:
    with pytest.raises(InputError, match="visible and overlaps"):
        error_probabilities(visible, overlaps, YES, YES)


def test_a_person_without_labels_has_nothing_to_get_wrong() -> None:
    made: SynthesisedPose = synthesise(np.random.default_rng(0), **scene(0, 2, labels=0.0))
    assert np.isnan(made.keypoints).all()
    assert (made.kinds == ErrorKind.MISSING).all()


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
