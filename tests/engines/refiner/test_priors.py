from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.engines.refiner.prior_motion import outdated, prediction_error
from steadypose.engines.refiner.priors import (
    PriorKind,
    PriorMixture,
    SimulatedPrior,
    prior_certainty,
    simulate_prior,
)
from steadypose.errors import ConfigError, InputError
from steadypose.skeletons import COCO19

K = len(COCO19)
HEAD_PX, AREA = 30.0, 9_000.0
ONLY = {
    kind: PriorMixture(
        missing=float(kind is PriorKind.MISSING),
        right=float(kind is PriorKind.RIGHT),
        stale=float(kind is PriorKind.STALE),
        swapped=float(kind is PriorKind.SWAPPED),
        destroyed=0.0,
        dropped_joints=0.0,
    )
    for kind in PriorKind
}
NOBODY = {"others": np.zeros((0, K, 2)), "others_labelled": np.zeros((0, K), bool)}


def person(seed: int = 0, labels: float = 1.0, **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "truth": rng.uniform([50, 50], [130, 250], (K, 2)).astype(np.float32),
        "labelled": rng.random(K) < labels,
        "area": AREA,
        "head_px": HEAD_PX,
        **NOBODY,
        **more,
    }


def draw(count: int, seed: int = 0, **kwargs: Any) -> list[SimulatedPrior]:
    rng = np.random.default_rng(seed)
    return [simulate_prior(rng, **kwargs) for _ in range(count)]


def off_in_heads(priors: list[SimulatedPrior], truth: np.ndarray) -> np.ndarray:
    """``(R, 19)`` distances from the truth; NaN where a joint is not known."""
    joints = np.stack([p.joints for p in priors]).astype(np.float64)
    distance = np.hypot(*np.moveaxis(joints[..., :2] - truth, -1, 0)) / HEAD_PX
    return np.where(joints[..., 2] > 0, distance, np.nan)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(0, 3),
    st.booleans(),
)
def test_every_prior_is_well_formed(seed: int, labels: float, others: int, known: bool) -> None:
    rng = np.random.default_rng(seed)
    scene = person(seed, labels)
    scene["others"] = rng.uniform(0, 300, (others, K, 2))
    scene["others_labelled"] = rng.random((others, K)) < 0.7
    scene["stranger"] = rng.uniform(0, 5, (K, 2)) if known else None
    first, second = (simulate_prior(np.random.default_rng(seed), **scene) for _ in range(2))
    np.testing.assert_array_equal(first.joints, second.joints)
    assert first.kind is second.kind
    assert first.joints.shape == (K, 3)
    assert first.joints.dtype == np.float32
    assert np.isfinite(first.joints).all()
    certainty = first.joints[:, 2]
    assert ((certainty >= 0) & (certainty <= 1)).all()
    assert (first.joints[certainty == 0] == 0).all()
    assert (certainty == 0).all() == (first.kind is PriorKind.MISSING)
    assert not (first.destroyed & (certainty == 0)).any()
    if first.kind in (PriorKind.RIGHT, PriorKind.STALE):
        assert (certainty[~scene["labelled"]] == 0).all()


def test_the_kinds_come_in_their_shares() -> None:
    stranger = np.random.default_rng(1).uniform(0, 1, (K, 2))
    mixture = PriorMixture()
    kinds = np.array([p.kind for p in draw(8_000, **person(stranger=stranger))])
    shares = np.bincount(kinds, minlength=4) / len(kinds)
    np.testing.assert_allclose(shares, mixture.shares, atol=0.015)
    assert mixture.shares.sum() == pytest.approx(1)


def test_without_anybody_else_the_swapped_share_goes_to_the_rest() -> None:
    kinds = np.array([p.kind for p in draw(6_000, **person())])
    shares = np.bincount(kinds, minlength=4) / len(kinds)
    mixture = PriorMixture()
    expected = np.array([mixture.missing, mixture.right, mixture.stale, 0]) / (1 - mixture.swapped)
    np.testing.assert_allclose(shares, expected, atol=0.015)
    assert draw(1, **person(mixture=ONLY[PriorKind.SWAPPED]))[0].kind is PriorKind.MISSING


def test_always_leaves_the_missing_ones_out() -> None:
    mixture = PriorMixture().always()
    assert mixture.shares == pytest.approx([0, 0.7, 0.15, 0.15])
    assert mixture.dropped_joints == PriorMixture().dropped_joints
    kinds = {p.kind for p in draw(500, **person(mixture=mixture))}
    assert kinds == {PriorKind.RIGHT, PriorKind.STALE}
    with pytest.raises(ConfigError, match="missing"):
        ONLY[PriorKind.MISSING].always()


# Median of a joint's own part and of the whole body's, in head lengths, at 25, 12.5 and 6.25
# frames/s: what was measured on the Bonn annotations.
MEASURED = {
    "whole": (0.052, 0.098, 0.191),
    "head_top": (0.051, 0.088, 0.134),
    "neck": (0.046, 0.080, 0.123),
    "left_shoulder": (0.065, 0.103, 0.145),
    "left_elbow": (0.092, 0.142, 0.228),
    "right_wrist": (0.107, 0.173, 0.308),
    "left_hip": (0.056, 0.103, 0.161),
    "right_knee": (0.090, 0.141, 0.227),
    "left_ankle": (0.090, 0.150, 0.261),
}


@pytest.mark.parametrize("column", [0, 1, 2], ids=["25 fps", "12.5 fps", "6.25 fps"])
def test_predictions_are_off_as_measured(column: int) -> None:
    rng = np.random.default_rng(0)
    errors = np.stack([prediction_error(rng, 1.0, 0.04 * 2**column)[0] for _ in range(4_000)])
    whole = np.median(errors, axis=1, keepdims=True)
    distance = np.hypot(*np.moveaxis(errors - whole, -1, 0))
    assert np.median(np.hypot(*whole[:, 0].T)) == pytest.approx(MEASURED["whole"][column], rel=0.2)
    for joint, medians in MEASURED.items():
        if joint != "whole":
            median = np.median(distance[:, COCO19.index(joint)])
            assert median == pytest.approx(medians[column], rel=0.2), joint
    tail = np.percentile(distance, 90) / np.median(distance)
    assert 3 < tail < 5.5


def test_predictions_miss_along_one_direction_more_than_across_it() -> None:
    rng = np.random.default_rng(1)
    errors = np.stack([prediction_error(rng, 1.0, 0.08)[0] for _ in range(2_000)])
    spread = np.linalg.eigvalsh(errors.swapaxes(1, 2) @ errors)
    assert 1.7 < np.median(np.sqrt(spread[:, 1] / spread[:, 0])) < 2.2


def test_the_wrist_follows_the_elbow() -> None:
    rng = np.random.default_rng(2)
    errors = np.stack([prediction_error(rng, 1.0, 0.08)[0] for _ in range(4_000)])
    own = errors - np.median(errors, axis=1, keepdims=True)
    own = own / np.linalg.norm(own, axis=(1, 2), keepdims=True)
    wrist, elbow, other = (
        own[:, COCO19.index(j)].ravel() for j in ("left_wrist", "left_elbow", "right_elbow")
    )
    assert (wrist @ elbow) / (elbow @ elbow) == pytest.approx(0.35, abs=0.1)
    assert abs(wrist @ other) / (other @ other) < 0.15


def test_errors_grow_with_the_head_and_the_age() -> None:
    small, large, late = (
        prediction_error(np.random.default_rng(4), head, age)
        for head, age in ((1.0, 0.05), (3.0, 0.05), (1.0, 0.2))
    )
    np.testing.assert_allclose(large[0], 3 * small[0])
    np.testing.assert_allclose(large[1], 9 * small[1])
    assert (late[1] > small[1]).all()


def test_stale_priors_are_further_off_and_less_certain_than_right_ones() -> None:
    scene = person()
    right = draw(1_500, **scene, mixture=ONLY[PriorKind.RIGHT])
    stale = draw(1_500, **scene, mixture=ONLY[PriorKind.STALE])
    assert np.median(off_in_heads(right, scene["truth"])) < 0.3
    assert np.median(off_in_heads(stale, scene["truth"])) > 0.5
    certainty = [np.stack([p.joints[:, 2] for p in priors]) for priors in (right, stale)]
    assert (certainty[1].mean(0) < 0.75 * certainty[0].mean(0)).all()
    assert certainty[1].min() > 0


def test_certainty_informs_but_does_not_settle() -> None:
    scene = person()
    priors = draw(2_000, **scene, mixture=ONLY[PriorKind.RIGHT])
    distance = off_in_heads(priors, scene["truth"])
    certainty = np.stack([p.joints[:, 2] for p in priors])
    correlation = np.corrcoef(certainty.ravel(), np.log(distance + 0.02).ravel())[0, 1]
    assert -0.8 < correlation < -0.25


@given(st.integers(0, 10_000), st.floats(0.1, 1.0))
def test_turned_limbs_keep_their_length(seed: int, age_s: float) -> None:
    pose = np.random.default_rng(seed).uniform(0, 300, (K, 2))
    # With a head of no size neither shift nor noise is left, only turning and one common scale.
    moved = outdated(np.random.default_rng(seed), pose, 1e-9, age_s).keypoints
    lengths = [
        np.linalg.norm(p[COCO19.index(f"{side}_{a}")] - p[COCO19.index(f"{side}_{b}")])
        for p in (pose, moved)
        for side in ("left", "right")
        for a, b in (
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("hip", "knee"),
            ("knee", "ankle"),
            ("shoulder", "hip"),
        )
    ]
    before, after = np.array(lengths).reshape(2, -1)
    np.testing.assert_allclose(after / before, (after / before)[0], rtol=1e-6)
    assert 0.65 < after[0] / before[0] < 1.5


def test_a_swapped_prior_is_on_somebody_who_is_near() -> None:
    scene = person()
    others = scene["truth"][None] + np.array([[[160.0, 0]], [[-160.0, 0]], [[0, 400.0]]])
    seen = np.array([[True] * K, [True] * K, [False] * (K - 3) + [True] * 3])
    scene |= {"others": others, "others_labelled": seen, "mixture": ONLY[PriorKind.SWAPPED]}
    priors = draw(400, **scene)
    assert {p.kind for p in priors} == {PriorKind.SWAPPED}
    medians = np.stack([np.nanmedian(off_in_heads(priors, other), axis=1) for other in others])
    on = medians.argmin(0)
    assert 0.4 < (on == 0).mean() < 0.6
    assert 2 not in on  # of whom too little is known
    assert np.median(medians.min(0)) < 0.3


def test_a_stranger_is_brought_to_the_persons_place_and_size() -> None:
    stranger = np.random.default_rng(9).uniform(5_000, 5_004, (K, 2))
    stranger[3] = np.nan
    scene = person(stranger=stranger, mixture=ONLY[PriorKind.SWAPPED])
    truth = scene["truth"]
    low, high = truth.min(0), truth.max(0)
    size = np.hypot(*(high - low))
    joints = np.stack([p.joints for p in draw(300, **scene)]).astype(np.float64)
    assert (joints[:, 3] == 0).all()
    known = np.delete(joints[..., :2], 3, 1)
    sizes = np.hypot(*np.moveaxis(known.max(1) - known.min(1), -1, 0)) / size
    away = np.hypot(*((known.max(1) + known.min(1)) / 2 - (low + high) / 2).T) / size
    assert np.median(sizes) == pytest.approx(1, abs=0.1)
    assert 0.1 < np.percentile(away, 5) < 0.25
    assert 0.5 < np.percentile(away, 95) < 0.7


def test_the_stated_shares_of_joints_are_dropped_and_destroyed() -> None:
    scene = person()
    shares = {"destroyed": 0.5, "destroyed_joints": 0.3, "dropped_joints": 0.2}
    mixture = PriorMixture(missing=0, right=1, stale=0, swapped=0, **shares)
    priors = draw(4_000, **scene, mixture=mixture)
    known = np.stack([p.joints[:, 2] > 0 for p in priors])
    destroyed = np.stack([p.destroyed for p in priors])
    assert known.mean() == pytest.approx(0.8, abs=0.01)
    assert destroyed[known].mean() == pytest.approx(0.15, abs=0.01)
    assert destroyed.any(1).mean() == pytest.approx(0.5, abs=0.03)
    distance = off_in_heads(priors, scene["truth"])
    assert np.median(distance[destroyed]) > 5 * np.median(distance[known & ~destroyed])
    certainty = np.stack([p.joints[:, 2] for p in priors])
    assert certainty[destroyed].mean() < 0.8 * certainty[known & ~destroyed].mean()


def test_a_base_stands_in_for_joints_without_a_label() -> None:
    scene = person(0, 0.5, mixture=ONLY[PriorKind.RIGHT])
    base = np.full((K, 2), np.nan)
    base[:10] = 90.0
    prior = draw(1, **scene, base=base)[0]
    labelled = scene["labelled"]
    expected = labelled | (np.arange(K) < 10)
    np.testing.assert_array_equal(prior.joints[:, 2] > 0, expected)
    only_base = prior.joints[:10][~labelled[:10], :2]
    assert np.abs(only_base - 90).max() < 3 * HEAD_PX


@pytest.mark.parametrize("kind", list(PriorKind))
def test_a_person_without_a_known_joint_has_no_prior_of_its_own(kind: PriorKind) -> None:
    prior = draw(1, **person(0, 0.0, mixture=ONLY[kind]))[0]
    assert prior.kind is PriorKind.MISSING
    assert not prior.joints.any()


def test_certainty_is_the_score_where_nothing_is_blurred_and_falls_with_variance() -> None:
    scores, still = np.linspace(0, 1, K), np.zeros(K)
    np.testing.assert_allclose(prior_certainty(scores, still, AREA), scores)
    spread = (2 * COCO19.sigmas) ** 2 * AREA
    np.testing.assert_allclose(prior_certainty(scores, spread, AREA), scores / 2)
    np.testing.assert_allclose(prior_certainty(scores, 3 * spread, AREA), scores / 4)
    gone = prior_certainty(np.zeros((2, K)), np.full((2, K), np.nan), np.full((2, 1), AREA))
    np.testing.assert_array_equal(gone, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"right": 0.4}, "sum to"),
        ({"missing": -0.1}, r"PriorMixture\.missing"),
        ({"destroyed": 1.5}, r"PriorMixture\.destroyed"),
        ({"dropped_joints": float("nan")}, r"PriorMixture\.dropped_joints"),
    ],
    ids=["sum", "negative", "above 1", "NaN"],
)
def test_an_impossible_mixture_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PriorMixture(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"area": 0.0},
        {"head_px": -1.0},
        {"truth": np.zeros((17, 2))},
        {"others": np.zeros((1, 17, 2))},
    ],
    ids=["area", "head", "pose", "others"],
)
def test_bad_input_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="simulate_prior"):
        simulate_prior(np.random.default_rng(0), **(person() | change))
