"""Every synthetic error keeps the rules of its kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.refiner.error_table import (
    ErrorKind,
    error_probabilities,
)
from steadypose.engines.refiner.errors import SynthesisedPose, ks_distance, synthesise
from steadypose.errors import InputError
from steadypose.geometry import oks_pairs
from steadypose.skeletons import COCO19
from tests.engines.refiner.scenes import K, scene

YES, NO = np.ones(K, bool), np.zeros(K, bool)
KINDS = {kind.name.lower(): kind for kind in ErrorKind}
LEAST_KS = {"good": 0.85, "jitter": 0.5, "miss": 0.1, "inversion": 0.5, "swap": 0.5}
GREATEST_KS = {"good": 1.0, "jitter": 0.85, "miss": 0.5, "inversion": 1.0, "swap": 1.0}
ROUNDING_PX = 2e-3


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
