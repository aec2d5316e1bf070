"""Scores of people whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.accuracy.run import CocoSet
from steadypose.benchmarks.peers.scoring import average_precision, identity, picture_names
from steadypose.benchmarks.peers.seen import Seen

BOXES = np.array([[0, 0, 40, 100], [100, 0, 140, 100]], float)
JOINTS = np.stack([np.linspace(5, 35, 17), np.linspace(5, 95, 17), np.full(17, 2.0)], 1)


def people(ids: list[int], rows: list[int], away: float = 0) -> Seen:
    """Those of ``BOXES`` under ids, with joints that are ``away`` px from the true ones."""
    joints = JOINTS[None] + np.array([[[x, 0, 0]] for x in (0, 100)])
    joints[..., 0] += away
    return Seen(
        keypoints=joints[rows],
        boxes=BOXES[rows],
        scores=np.ones(len(rows)),
        ids=np.array(ids, np.int64),
    )


TRUTH = {frame: (np.array([1, 2]), BOXES) for frame in (0, 4, 8, 12)}


@pytest.mark.parametrize(
    ("found", "idf1", "mota", "switches"),
    [
        ({str(f): people([5, 9], [0, 1]) for f in range(13)}, 100, 100, 0),
        ({str(f): people([5, 9] if f < 8 else [9, 5], [0, 1]) for f in range(13)}, 50, 75, 2),
        ({str(f): people([5], [0]) for f in range(13)}, 200 / 3, 50, 0),
        ({str(f): people([5, -1], [0, 1]) for f in range(13)}, 200 / 3, 50, 0),
        ({"0": people([5, 9], [0, 1])}, 40, 25, 0),
        ({}, 0, 0, 0),
    ],
)
def test_identity(found: dict[str, Seen], idf1: float, mota: float, switches: int) -> None:
    """Frames without truth do not count; people without id count as not found."""
    values = identity(TRUTH, found)
    assert values["IDF1"] == pytest.approx(idf1)
    assert values["MOTA"] == pytest.approx(mota)
    assert values["switches"] == switches


@pytest.fixture
def coco(tmp_path: Path) -> CocoSet:
    """Two pictures, of two splits, with a person each, the first of ``people``."""
    annotation = {"category_id": 1, "iscrowd": 0, "num_keypoints": 17, "area": 2000}
    annotation |= {"bbox": [0, 0, 40, 100], "keypoints": JOINTS.ravel().tolist()}
    splits = {1: "train", 2: "val"}
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "split": s} for i, s in splits.items()],
        "annotations": [{**annotation, "id": i, "image_id": i} for i in splits],
        "categories": [{"id": 1, "name": "person"}],
    }
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(content))
    empty = np.zeros((100, 150, 3), np.uint8)
    boxes = BOXES[:1].astype(np.float32)
    return CocoSet(
        path=path, images=dict.fromkeys(splits, empty), boxes=dict.fromkeys(splits, boxes)
    )


@pytest.mark.parametrize(
    ("found", "both", "train", "val"),
    [
        ({"1.jpg": people([1], [0]), "2.jpg": people([1], [0])}, 100, 100, 100),
        ({"1.jpg": people([1], [0])}, 50.5, 100, 0),
        ({"1.jpg": people([1], [0]), "2.jpg": people([1], [0], away=500)}, 50.5, 100, 0),
        ({}, 0, 0, 0),
    ],
)
def test_average_precision_of_all_and_of_each_split(
    coco: CocoSet, found: dict[str, Seen], both: float, train: float, val: float
) -> None:
    names, splits = picture_names(coco.path)
    values = average_precision(coco, names, found, splits)
    assert values["AP"] == pytest.approx(both, abs=0.01)
    assert values["AP train"] == pytest.approx(train)
    assert values["AP val"] == pytest.approx(val)
