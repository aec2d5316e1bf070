"""Which label is trained on, and how much it counts."""

from __future__ import annotations

import numpy as np
import pytest

from steadypose.engines.refiner.data.labels import fuse_labels, fuse_person
from steadypose.engines.refiner.data.records import Person, Source
from steadypose.errors import InputError
from steadypose.skeletons import COCO19
from tests.engines.refiner.data.made_up import joints_of, person

HEAD = 30.0


@pytest.mark.parametrize(
    ("source", "joint", "labelled", "away", "score", "moved", "weight"),
    [
        pytest.param("lspet", "left_knee", True, 9, 0.9, 6, 1.0, id="agree: two thirds"),
        pytest.param("lspet", "left_knee", True, 9, 0.1, 6, 1.0, id="agree, unsure: two thirds"),
        pytest.param("lspet", "left_knee", True, 15, 0.9, 10, 1.0, id="at half a head: two thirds"),
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
        pytest.param("posetrack", "nose", False, 9, 0.9, 0, 0.0, id="PoseTrack nose: none"),
        pytest.param("mpii", "nose", False, 9, 0.4, 9, 0.5, id="MPII nose: teacher"),
        pytest.param("mpii", "left_knee", False, 9, 0.9, 0, 0.0, id="MPII knee: none"),
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


LEGS = ("hip", "knee", "ankle")


def crossed(names: tuple[str, ...], score: float, unlabelled: tuple[str, ...] = ()) -> Person:
    """Somebody of whom the teacher, this sure, sees left and right of some joints exchanged."""
    teacher = joints_of(person().keypoints)
    for name in names:
        sides = [COCO19.index(f"{side}_{name}") for side in ("left", "right")]
        teacher[sides] = teacher[sides[::-1]]
        teacher[sides, 2] = score
    return person(unlabelled=unlabelled, estimates={"teacher": teacher})


def test_sides_that_a_sure_teacher_contradicts_are_exchanged() -> None:
    someone = crossed(LEGS, 0.6)
    fused = fuse_person(someone, "lspet")
    for name in LEGS:
        left, right = COCO19.index(f"left_{name}"), COCO19.index(f"right_{name}")
        assert np.array_equal(fused.keypoints[left], someone.keypoints[right])
        assert np.array_equal(fused.keypoints[right], someone.keypoints[left])
        assert fused.weight[left] == 1
    arm = COCO19.index("left_elbow")
    assert np.array_equal(fused.keypoints[arm], someone.keypoints[arm]), "arms are judged apart"


def test_sides_that_an_unsure_teacher_contradicts_count_less() -> None:
    someone = crossed(LEGS, 0.4)
    fused = fuse_person(someone, "lspet")
    rows = [COCO19.index(f"{side}_{name}") for side in ("left", "right") for name in LEGS]
    assert np.array_equal(fused.keypoints[rows], someone.keypoints[rows])
    assert np.allclose(fused.weight[rows], 0.3)


def test_one_exchanged_pair_of_three_stays() -> None:
    someone = crossed(("ankle",), 0.9)
    ankle = COCO19.index("left_ankle")
    assert np.array_equal(fuse_person(someone, "lspet").keypoints[ankle], someone.keypoints[ankle])


def test_a_joint_without_its_other_side_is_doubted_where_the_pairs_are_exchanged() -> None:
    fused = fuse_person(crossed(LEGS, 0.6, unlabelled=("right_ankle",)), "lspet")
    assert fused.weight[COCO19.index("left_ankle")] == pytest.approx(0.3)
