"""What ``fixed`` promises: the truth scores 100, order does not matter, true counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadypose.benchmarks.posetrack import by_motmetrics
from steadypose.benchmarks.posetrack.evaluation import Evaluation
from steadypose.benchmarks.posetrack.joints import mean
from steadypose.benchmarks.posetrack.scenes import scenes
from steadypose.benchmarks.posetrack.scores import fixed_pairings, poseval_pairings
from tests.benchmarks.posetrack.made_up import changed, crowd
from tests.benchmarks.posetrack.trees import clips, truth_clip

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 6), st.integers(0, 6))
def test_truth_as_prediction_scores_100(seed, frames, people):
    rng = np.random.default_rng(seed)
    evaluation = Evaluation(protocol="fixed")
    for n in range(2):
        truth = truth_clip(rng, f"00000{n}_mpii_test", frames, people)
        evaluation.add(truth, truth)
    total = evaluation.total()
    scores = [*total.ap.values(), *total.mota.values()]
    scores += [score for part in total.hota.values() for score in part.values()]
    for score in scores:
        values = np.append(score.joints, score.total)
        assert np.isnan(values).all() or np.allclose(values[~np.isnan(values)], 100)
    for name in ("MOTA", "MOTP", "IDF1", "precision", "recall"):
        assert np.isnan(total.box[name]) or total.box[name] == pytest.approx(100)
    assert total.box["switches"] == 0


@settings(max_examples=4, deadline=None)
@given(SEEDS)
@pytest.mark.parametrize(
    ("rules", "pairings"), [("fixed", fixed_pairings), ("poseval", poseval_pairings)]
)
def test_mota_equals_motmetrics(rules, pairings, seed):
    """Either protocol's frames, given to the library joint by joint."""
    truth, found = clips(np.random.default_rng(seed), frames=6, people=5)
    protocol = "official" if rules == "poseval" else "fixed"
    frames = scenes(truth, found, rules)
    ours = Evaluation(("mota",), protocol).add(truth, found).mota
    theirs = by_motmetrics.count(pairings(frames))
    np.testing.assert_allclose(ours["MOTA"].joints, theirs.mota(), atol=1e-6)
    np.testing.assert_allclose(ours["precision"].joints, theirs.precision(), atol=1e-6)
    np.testing.assert_allclose(ours["recall"].joints, theirs.recall(), atol=1e-6)
    motp = theirs.motp(logged=protocol == "official")
    motp = np.where(theirs.detections == 0, 0, motp) if protocol == "official" else motp
    np.testing.assert_allclose(ours["MOTP"].joints, motp, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_order_of_people_and_clips_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    pairs = [clips(rng, name=f"00000{n}_mpii_test") for n in range(3)]
    values = []
    for turn in (1, -1):
        evaluation = Evaluation(("ap",), "fixed")
        for truth, found in pairs[::turn]:
            rows = np.arange(len(found.persons))[::turn]
            rows = rows[np.argsort(found.persons.image[rows], kind="stable")]
            evaluation.add(truth, changed(found, found.persons[rows]))
        values.append(evaluation.total().ap["AP"].joints)
    np.testing.assert_allclose(*values, atol=1e-9)


def test_true_counts_on_empty_frames_and_the_last_frame_counts():
    truth = crowd(frames=5, people=14)
    rows = truth.persons.image != 1
    evaluation = Evaluation(("mota",), "fixed")
    mota = evaluation.add(truth, changed(truth, truth.persons[rows])).mota
    assert mota["MOTA"].total == pytest.approx(80)
    assert mota["precision"].total == pytest.approx(100)
    ids = np.where(truth.persons.image == 4, truth.persons.track_ids + 50, truth.persons.track_ids)
    new = changed(truth, replace(truth.persons, track_ids=ids))
    assert Evaluation(("mota",), "fixed").add(truth, new).mota["MOTA"].total == pytest.approx(80)


def test_images_are_paired_by_picture_and_more_of_them_do_no_harm():
    truth = crowd(frames=4, people=2)
    found = replace(truth, images=replace(truth.images, ids=np.arange(4)))
    sparse = truth.take(np.array([3, 0]))
    result = Evaluation(("ap", "mota"), "fixed").add(sparse, found)
    assert result.ap["AP"].total == pytest.approx(100)
    assert result.mota["MOTA"].total == pytest.approx(100)


def test_unlabelled_images_cost_nothing():
    truth = crowd(frames=4, people=3)
    labelled = np.array([True, False, True, True])
    empty = replace(
        truth,
        images=replace(truth.images, labelled=labelled),
        persons=truth.persons[labelled[truth.persons.image]],
    )
    result = Evaluation(protocol="fixed").add(empty, truth)
    assert result.mota["MOTA"].total == pytest.approx(100)
    assert result.ap["AP"].total == pytest.approx(100)
    assert result.box["MOTA"] == pytest.approx(100)


def test_a_joint_that_nobody_has_is_left_out():
    truth = crowd(frames=3, people=2)
    points = truth.persons.points.copy()
    points[:, 0] = np.nan
    less = changed(truth, replace(truth.persons, points=points))
    for protocol, total in (("fixed", 100), ("official", 1400 / 15)):
        ap = Evaluation(("ap",), protocol).add(less, less).ap["AP"]
        assert ap.total == pytest.approx(total)
    assert np.isnan(mean(np.full(3, np.nan)))
