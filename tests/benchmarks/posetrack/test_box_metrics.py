"""Box metrics against the libraries that the field uses, and against published values."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steadypose.benchmarks.posetrack.metrics import BoxFrame, combine_boxes, evaluate_boxes
from steadypose.errors import InputError
from tests.benchmarks.posetrack.references import motmetrics_scores, trackeval_scores


@st.composite
def box_sequences(draw):
    """Truth and predictions of one sequence: people who walk, boxes that shake, ids that change."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames, people = draw(st.integers(1, 8)), draw(st.integers(0, 5))
    start = rng.uniform(0, 60, (people, 2))
    step = rng.normal(0, 6, (people, 2))
    truth, found = [], []
    for t in range(frames):
        corner = np.round(start + t * step)
        boxes = np.concatenate([corner, corner + np.array([20, 40])], 1)
        there = rng.random(people) < 0.85
        truth.append(BoxFrame(np.flatnonzero(there) + 3, boxes[there]))
        seen = rng.random(people) < 0.8
        shaken = boxes[seen] + rng.choice([0, 0, 4], (seen.sum(), 1))
        ids = rng.permutation(people + 2)[: seen.sum()] if rng.random() < 0.3 else seen.nonzero()[0]
        found.append(BoxFrame(np.asarray(ids, np.int64), shaken))
    return truth, found


@settings(max_examples=25, deadline=None)
@given(box_sequences())
def test_equals_motmetrics(sequence):
    ours = evaluate_boxes(*sequence).as_dict()
    theirs = motmetrics_scores(*sequence)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(box_sequences())
def test_hota_equals_trackeval(sequence):
    ours = evaluate_boxes(*sequence).as_dict()
    theirs = trackeval_scores(*sequence)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-6), name


@settings(max_examples=15, deadline=None)
@given(box_sequences())
def test_truth_as_prediction_is_perfect(sequence):
    truth, _ = sequence
    scores = evaluate_boxes(truth, truth).as_dict()
    empty = not any(len(frame.ids) for frame in truth)
    for name in ("MOTA", "MOTP", "IDF1", "HOTA", "DetA", "AssA", "precision", "recall"):
        perfect = scores[name] == pytest.approx(100)
        assert perfect or empty, name
    assert scores["switches"] == scores["misses"] == scores["false_positives"] == 0


def test_hand_made_switch():
    box = np.array([[0.0, 0, 10, 10]])
    truth = [BoxFrame(np.array([1]), box)] * 4
    found = [BoxFrame(np.array([i]), box) for i in (7, 7, 8, 8)]
    scores = evaluate_boxes(truth, found).as_dict()
    assert scores["switches"] == 1
    assert scores["MOTA"] == pytest.approx(75)
    assert scores["IDF1"] == pytest.approx(50)
    # DetA 1; each of the four matches has TPA 2, FNA 2, FPA 0.
    assert scores["HOTA"] == pytest.approx(100 * np.sqrt(0.5))


def test_bad_input_is_named():
    box = np.zeros((2, 4))
    with pytest.raises(InputError, match="found: expected 1 frames"):
        evaluate_boxes([BoxFrame(np.array([1, 2]), box)], [])
    with pytest.raises(InputError, match="found_ids: an id occurs twice"):
        evaluate_boxes([BoxFrame(np.array([1, 2]), box)], [BoxFrame(np.array([1, 1]), box)])


def read_mot(path: Path, frames: int) -> list[BoxFrame]:
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], 1)
    at = [rows[:, 0] == t for t in range(1, frames + 1)]
    return [BoxFrame(rows[here, 1].astype(np.int64), boxes[here]) for here in at]


def test_tud_has_the_published_values(data_dir):
    folder = data_dir / "poseval_pack/motmetrics_tud"
    with (folder / "expected.csv").open() as file:
        expected = {row[""]: row for row in csv.DictReader(file)}
    parts = {}
    for name, frames in (("TUD-Campus", 71), ("TUD-Stadtmitte", 179)):
        truth, found = (read_mot(folder / name / f, frames) for f in ("gt.txt", "test.txt"))
        parts[name] = evaluate_boxes(truth, found)
    parts["OVERALL"] = combine_boxes(list(parts.values()))
    for name, result in parts.items():
        scores = result.as_dict()
        for ours, theirs in (("MOTA", "mota"), ("IDF1", "idf1")):
            assert scores[ours] == pytest.approx(100 * float(expected[name][theirs]), abs=1e-9)
        for ours, theirs in (("switches", "num_switches"), ("misses", "num_misses")):
            assert scores[ours] == float(expected[name][theirs])
        assert 100 - scores["MOTP"] == pytest.approx(100 * float(expected[name]["motp"]), abs=1e-9)
    rounded = {n: [round(parts[n].as_dict()[s], 1) for s in ("MOTA", "IDF1")] for n in parts}
    assert rounded["TUD-Campus"] == [52.6, 55.8]
    assert rounded["TUD-Stadtmitte"] == [56.4, 64.5]
