from __future__ import annotations

import numpy as np
import pytest

from steadypose.errors import InputError
from steadypose.skeletons import COCO17, POSETRACK15, POSETRACK17, SKELETONS, Skeleton, get_skeleton


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
class TestEverySkeleton:
    def test_flip_is_its_own_inverse(self, skeleton: Skeleton) -> None:
        flip = skeleton.flip_indices
        assert np.array_equal(flip[flip], np.arange(len(skeleton)))

    def test_flip_changes_only_the_side(self, skeleton: Skeleton) -> None:
        for left, right in skeleton.flip_pairs:
            assert skeleton.keypoints[left].startswith("left_")
            assert skeleton.keypoints[right].startswith("right_")
            assert skeleton.keypoints[left][5:] == skeleton.keypoints[right][6:]
        sided = sum(k.startswith(("left_", "right_")) for k in skeleton.keypoints)
        assert sided == 2 * len(skeleton.flip_pairs)

    def test_sigmas_are_positive_and_symmetric(self, skeleton: Skeleton) -> None:
        assert (skeleton.sigmas > 0).all()
        assert np.array_equal(skeleton.sigmas, skeleton.sigmas[skeleton.flip_indices])

    def test_edges_are_symmetric(self, skeleton: Skeleton) -> None:
        flip = skeleton.flip_indices
        edges = {frozenset(edge) for edge in skeleton.edge_indices}
        assert {frozenset((int(flip[a]), int(flip[b]))) for a, b in skeleton.edge_indices} == edges

    def test_every_labelled_joint_is_drawn(self, skeleton: Skeleton) -> None:
        drawn = {joint for edge in skeleton.edges for joint in edge}
        assert drawn == set(skeleton.keypoints) - skeleton.unlabelled


def test_coco_sigmas_are_those_of_the_coco_evaluation() -> None:
    pycocotools = pytest.importorskip("pycocotools.cocoeval")
    params = pycocotools.Params(iouType="keypoints")
    assert np.allclose(COCO17.sigmas, params.kpt_oks_sigmas)


def test_posetrack_orders() -> None:
    assert POSETRACK17.keypoints[:5] == (
        "nose",
        "head_bottom",
        "head_top",
        "left_ear",
        "right_ear",
    )
    assert POSETRACK15.index("right_ankle") == 0
    assert POSETRACK15.index("head_top") == 14


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(InputError, match=r"unknown skeleton 'coco'.*coco17.*mpii16"):
        get_skeleton("coco")
    with pytest.raises(InputError, match=r"no joint 'tail'.*left_ankle"):
        COCO17.index("tail")


def test_a_bad_skeleton_is_refused() -> None:
    with pytest.raises(InputError, match="unknown joint"):
        Skeleton("x", ("a",), (("a", "b"),))
    with pytest.raises(InputError, match="twice"):
        Skeleton("x", ("a", "a"), ())
