"""Reading what systems wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.peers.seen import read_labels, read_program, read_steadypose
from steadypose.errors import InputError

JOINTS = " ".join("0.5 0.25 0.75" for _ in range(17))


@pytest.mark.parametrize(
    ("text", "ids", "scores"),
    [
        ("", [], []),
        (f"0 0.5 0.5 0.5 0.5 {JOINTS} 0.9\n", [-1], [0.9]),
        (f"0 0.5 0.5 0.5 0.5 {JOINTS} 0.9 7\n0 0.5 0.5 1 1 {JOINTS} 0.1\n", [7, -1], [0.9, 0.1]),
    ],
)
def test_labels(text: str, ids: list[int], scores: list[float]) -> None:
    people = read_labels(text, (200, 100))
    assert people.ids.tolist() == ids
    assert people.scores.tolist() == scores
    assert people.keypoints.shape == (len(ids), 17, 3)
    for joints in people.keypoints.reshape(-1, 3).tolist():
        assert joints == [100, 25, 0.75]
    if ids:
        assert people.boxes[0].tolist() == [50, 25, 150, 75]


def test_labels_of_another_kind() -> None:
    with pytest.raises(InputError, match="expected 57 or 58 values a line, got 5"):
        read_labels("0 0.5 0.5 0.5 0.5", (200, 100))


def test_lines_of_programs_and_of_steadypose_mean_the_same(tmp_path: Path) -> None:
    joints = [[n, n + 1, 0.5] for n in range(17)]
    path = tmp_path / "a.jsonl"
    person = {"id": 3, "score": 0.8, "box": [1, 2, 3, 4], "keypoints": joints}
    path.write_text(json.dumps({"name": "0", "people": [person]}) + "\n")
    theirs = read_program(path)["0"]
    joints[4] = None  # type: ignore[call-overload]
    ours = {"track_id": 3, "box_score": 0.8, "box": [1, 2, 3, 4], "keypoints": joints}
    path.write_text(json.dumps({"index": 0, "persons": [ours, {**ours, "track_id": None}]}) + "\n")
    own = read_steadypose(path)["0"]
    assert own.ids.tolist() == [3, -1]
    assert own.boxes[0].tolist() == theirs.boxes[0].tolist() == [1, 2, 3, 4]
    assert own.scores[0] == theirs.scores[0] == 0.8
    assert own.keypoints[0, 4].tolist() == [0, 0, 0]
    kept = np.arange(17) != 4
    assert (own.keypoints[0, kept] == theirs.keypoints[0, kept]).all()


@pytest.mark.parametrize("content", [None, "not JSON\n"])
def test_files_that_are_not_there_or_something_else(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"a\.jsonl: not what was to be written"):
        read_program(path)
