"""MPII's list of people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from steadypose.engines.refiner.data.gather import load_pictures
from steadypose.engines.refiner.data.mpii import load_mpii
from steadypose.errors import InputError
from steadypose.skeletons import COCO19, MPII16


def record(image: str = "a.jpg", **changes: Any) -> dict[str, Any]:
    """Somebody whose joint i lies at (10 i + 11, 20 i + 21), counted from 1; no right ankle."""
    joints = [[10.0 * i + 11, 20.0 * i + 21] for i in range(16)]
    joints[0] = [-1.0, -1.0]
    made = {"image": image, "joints": joints, "joints_vis": [0] + [1] * 15}
    return {**made, "center": [90, 180], "scale": 1.5, **changes}


def write(folder: Path, records: object) -> tuple[Path, Path]:
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(folder / name), np.zeros((400, 200, 3), np.uint8))
    (folder / "train.json").write_text(json.dumps(records))
    return folder / "train.json", folder


def test_people_of_a_picture_come_together_with_pixels_from_0(tmp_path: Path) -> None:
    listed = [record("b.jpg"), record("a.jpg"), record("b.jpg")]
    first, second = load_mpii(*write(tmp_path, listed))
    assert [first.key, second.key] == ["a", "b"]
    assert [len(first.persons), len(second.persons)] == [1, 2]
    assert first.source == "mpii"
    (person,) = first.persons
    for name in ("left_knee", "right_wrist", "neck", "head_top"):
        at = MPII16.index(name)
        assert np.array_equal(person.keypoints[COCO19.index(name)], [10 * at + 10, 20 * at + 20])
    assert not person.labelled[COCO19.index("right_ankle")]
    assert not person.labelled[:5].any(), "MPII knows no faces"
    assert person.box[0] < 20, "the box holds the leftmost joint"
    assert person.box[3] > 320, "the box holds the lowest joint"


def test_a_person_without_labels_is_passed_over(tmp_path: Path) -> None:
    nobody = record("b.jpg", joints_vis=[0] * 16)
    (picture,) = load_pictures(mpii=write(tmp_path, [nobody, record()]))
    assert picture.key == "a"


@pytest.mark.parametrize(
    ("records", "words"),
    [
        pytest.param({"images": []}, "train.json: expected a list of objects", id="COCO's form"),
        pytest.param([record(joints=[[1, 2]])], "person 0: 'joints': expected 32", id="short"),
        pytest.param([record(), {"image": "a.jpg"}], "person 1: 'joints' is missing", id="none"),
        pytest.param([record("c.jpg")], "person 0: .*no picture", id="no picture"),
    ],
)
def test_errors_name_the_person_and_the_field(tmp_path: Path, records: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_mpii(*write(tmp_path, records))


def test_samples_load(data_dir: Path) -> None:
    folder = data_dir / "mmpose_samples" / "mpii"
    pictures = load_mpii(folder / "test_mpii.json", folder)
    assert len(pictures) == 5
    for picture in pictures:
        height, width = cv2.imread(str(picture.path)).shape[:2]
        (person,) = picture.persons
        inside = (person.keypoints >= 0) & (person.keypoints < (width, height))
        assert inside[person.labelled].all()
