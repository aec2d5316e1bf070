"""Which label is trained on, and how much it counts."""

from __future__ import annotations

import numpy as np
import pytest

from steadypose.engines.refiner.data.labels import fuse_labels, fuse_person
from steadypose.engines.refiner.data.records import Source
from steadypose.errors import InputError
from steadypose.skeletons import COCO19
from tests.engines.refiner.data.made_up import joints_of, person

HEAD = 30.0


@pytest.mark.parametrize(
    ("source", "joint", "labelled", "away", "score", "moved", "weight"),
    [
        pytest.param("lspet", "left_knee", True, 10, 0.9, 5, 1.0, id="agree: mean"),
        pytest.param("lspet", "left_knee", True, 10, 0.1, 5, 1.0, id="agree, unsure: mean"),
        pytest.param("lspet", "left_knee", True, 15, 0.9, 7.5, 1.0, id="at half a head: mean"),
        pytest.param("lspet", "left_knee", True, 16, 0.9, 0, 0.7, id="disagree: label, doubted"),
        pytest.param("lspet", "left_knee", True, 16, 0.0, 0, 1.0, id="no teacher: label"),
        pytest.param("lspet", "left_knee", False, 20, 0.5, 20, 0.3, id="limb: teacher"),
        pytest.param("lspet", "left_knee", False, 20, 0.49, 0, 0.0, id="limb, unsure: none"),
        pytest.param("lspet", "left_eye", False, 20, 0.4, 20, 0.5, id="face: teacher"),
        pytest.param("lspet", "left_eye", False, 20, 0.39, 0, 0.0, id="face, unsure: none"),
        pytest.param("lspet", "neck", True, 16, 0.9, 0, 1.0, id="neck: label"),
        pytest.param("lspet", "neck", False, 16, 0.9, 0, 0.0, id="neck without label: none"),
        pytest.param("lspet", "head_top", False, 16, 0.9, 0, 0.0, id="head top: none"),
        pytest.param("coco", "left_knee", True, 10, 0.9, 0, 1.0, id="COCO: label"),
        pytest.param("coco", "left_knee", False, 10, 0.9, 0, 0.0, id="COCO without: none"),
        pytest.param("posetrack", "left_ear", False, 9, 0.4, 9, 0.5, id="PoseTrack ear: teacher"),
        pytest.param("posetrack", "left_knee", False, 9, 0.9, 0, 0.0, id="PoseTrack knee: none"),
        pytest.param("posetrack", "left_knee", True, 9, 0.9, 0, 1.0, id="PoseTrack: label"),
    ],
)
def test_rules(
    source: Source,
    joint: str,
    labelled: bool,
    away: float,
    score: float,
    moved: float,
    weight: float,
) -> None:
    row = COCO19.index(joint)
    someone = person(unlabelled=() if labelled else (joint,))
    teacher = joints_of(someone.keypoints)
    teacher[row] = (someone.keypoints[row, 0] + away, someone.keypoints[row, 1], score)
    someone = person(unlabelled=() if labelled else (joint,), estimates={"teacher": teacher})
    fused = fuse_person(someone, source)
    assert fused.weight[row] == pytest.approx(weight)
    assert fused.keypoints[row, 0] - someone.keypoints[row, 0] == pytest.approx(moved)
    assert np.array_equal(fused.labelled, someone.labelled), "a test counts only real labels"
    assert someone.weight[row] == float(labelled), "the person given is left alone"


def test_labels_of_lsp_need_the_teacher() -> None:
    with pytest.raises(InputError, match="no estimate 'teacher'"):
        fuse_person(person(), "lspet")


def test_no_pictures_no_labels() -> None:
    assert fuse_labels([]) == []
