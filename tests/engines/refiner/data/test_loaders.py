"""Data sets as they come from disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from steadypose.engines.refiner.data.body import head_length
from steadypose.engines.refiner.data.coco import load_coco
from steadypose.engines.refiner.data.gather import load_pictures
from steadypose.engines.refiner.data.lsp import load_lsp
from steadypose.engines.refiner.data.posetrack import load_posetrack
from steadypose.errors import InputError
from steadypose.skeletons import COCO19
from tests.engines.refiner.data.made_up import (
    COCO_ROWS,
    STANDING,
    lsp_labels,
    write_coco,
    write_lsp,
    write_posetrack,
)

WRIST = COCO19.index("left_wrist")


def test_coco_labels_and_boxes(tmp_path: Path) -> None:
    (picture,) = load_coco(*write_coco(tmp_path))
    (person,) = picture.persons
    assert picture.source == "coco"
    assert picture.key == "1"
    assert np.array_equal(person.keypoints[COCO_ROWS], STANDING[COCO_ROWS])
    assert not person.labelled[0], "v = 0 is no label"
    assert person.labelled[1:17].all()
    assert not person.labelled[17:].any(), "COCO knows neither head top nor neck"
    assert np.array_equal(person.box, [10, 5, 90, 195])
    assert person.area == 8000


def test_coco_crowds_stay_as_people_without_labels(tmp_path: Path) -> None:
    file, images = write_coco(tmp_path)
    content = json.loads(file.read_text())
    crowd = content["annotations"][0] | {"id": 2, "iscrowd": 1}
    content["annotations"].append(crowd)
    file.write_text(json.dumps(content))
    (picture,) = load_coco(file, images)
    assert [person.labelled.any() for person in picture.persons] == [True, False]


def test_lsp_reads_pictures_by_their_numbers(tmp_path: Path) -> None:
    pictures = load_lsp(write_lsp(tmp_path, 3))
    assert [p.key for p in pictures] == ["im00002", "im00003", "im00004"]
    person = pictures[0].persons[0]
    assert not person.labelled[WRIST]
    assert not person.labelled[:5].any(), "LSP knows no faces"
    for name in ("left_ankle", "right_elbow", "neck", "head_top"):
        row = COCO19.index(name)
        assert np.array_equal(person.keypoints[row], STANDING[row])
    tight = STANDING[[WRIST - 4, 15]]  # left shoulder, left ankle
    assert (person.box[:2] < tight.min(0)).all()
    assert (person.box[2:] > tight.max(0)).all()
    assert person.head_px == pytest.approx(30)


@pytest.mark.parametrize("form", ["lspet", "lsp"])
def test_lsp_reads_the_original_labels(tmp_path: Path, form: str) -> None:
    folder = write_lsp(tmp_path, 2)
    (folder / "keypoints.npz").unlink()
    labels = np.stack([lsp_labels()] * 3)  # picture 1 has labels and no file
    if form == "lspet":
        savemat(folder / "joints.mat", {"joints": labels.transpose(1, 2, 0)})
    else:
        labels[..., 2] = 1 - labels[..., 2]  # LSP flags what is occluded
        savemat(folder / "joints.mat", {"joints": labels.transpose(2, 1, 0)})
    pictures = load_lsp(folder)
    assert [p.key for p in pictures] == ["im00002", "im00003"]
    assert pictures[0].persons[0].labelled[WRIST] == (form == "lsp")


def test_posetrack_labels_video_and_head(tmp_path: Path) -> None:
    (picture,) = load_posetrack(*write_posetrack(tmp_path))
    (person,) = picture.persons
    assert picture.group == "v1"
    assert picture.path.name == "frame.jpg"
    assert np.array_equal(person.keypoints[COCO19.index("neck")], STANDING[18])
    assert not person.labelled[1:5].any(), "eyes are not in the set, ears never labelled"
    assert person.head_px == pytest.approx(0.6 * 50)


def _bad_coco(**changes: Any) -> Callable[[Path], object]:
    return lambda folder: load_coco(*write_coco(folder, **changes))


def _coco_file(text: str) -> Callable[[Path], object]:
    def load(folder: Path) -> object:
        (folder / "a.json").write_text(text)
        return load_coco(folder / "a.json", folder)

    return load


def _lsp_arrays(**arrays: Any) -> Callable[[Path], object]:
    def load(folder: Path) -> object:
        np.savez(folder / "keypoints.npz", **arrays)
        return load_lsp(folder)

    return load


def _no_picture(folder: Path) -> object:
    annotations, root = write_posetrack(folder)
    (root / "frame.jpg").unlink()
    return load_posetrack(annotations, root)


@pytest.mark.parametrize(
    ("load", "words"),
    [
        pytest.param(_bad_coco(keypoints=[1, 2, 2]), "annotation 1: 'keypoints'", id="short"),
        pytest.param(_bad_coco(bbox="wide"), "annotation 1: 'bbox'", id="box of text"),
        pytest.param(_bad_coco(bbox=[0, 0, float("nan"), 3]), "'bbox'.*finite", id="NaN box"),
        pytest.param(_coco_file("{"), "a.json: not JSON", id="broken JSON"),
        pytest.param(_coco_file("[]"), "expected an object", id="a list"),
        pytest.param(_coco_file('{"images": []}'), "'annotations'", id="no annotations"),
        pytest.param(
            _coco_file('{"images": [], "annotations": [{"id": 5}]}'),
            "annotation 5: 'image_id' is missing",
            id="no image id",
        ),
        pytest.param(_no_picture, "image 7: 'file_name': no picture", id="no picture"),
        pytest.param(load_lsp, "expected 'keypoints.npz' or 'joints.mat'", id="empty folder"),
        pytest.param(_lsp_arrays(other=np.zeros(3)), "'keypoints' is missing", id="other npz"),
        pytest.param(
            _lsp_arrays(keypoints=np.zeros((2, 16, 3))), r"'keypoints': .*\(2, 16, 3\)", id="MPII"
        ),
        pytest.param(lambda folder: load_pictures(), "no data set named", id="nothing"),
    ],
)
def test_errors_name_file_and_field(
    tmp_path: Path, load: Callable[[Path], object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        load(tmp_path)


def test_a_foreshortened_head_still_has_a_length() -> None:
    points, labelled = STANDING.copy(), np.ones(19, bool)
    points[17] = points[18]
    seen = head_length(points, labelled, np.array([0, 0, 100, 190.0]))
    labelled[17:] = False
    expected = head_length(points, labelled, np.array([0, 0, 100, 190.0]))
    assert seen == pytest.approx(expected / 2)
    assert 15 < expected < 40


def test_development_data_loads(data_dir: Path) -> None:
    folder = data_dir / "coco_mp"
    pictures = load_pictures(
        lsp=data_dir / "lspet", coco=(folder / "person_keypoints.json", folder / "images")
    )
    assert sum(p.source == "coco" and p.split == "test" for p in pictures) == 40
    assert sum(p.source == "coco" and p.split == "val" for p in pictures) == 12
    lsp = [p for p in pictures if p.source == "lspet"]
    share = sum(p.split == "test" for p in lsp) / len(lsp)
    assert 0.17 < share < 0.23
