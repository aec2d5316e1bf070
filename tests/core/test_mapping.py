from __future__ import annotations

import numpy as np
import pytest

from steadypose.mapping import HEAD_BOTTOM_FACTOR, HEAD_TOP_FACTOR, map_poses
from steadypose.poses import Poses
from steadypose.skeletons import COCO17, LSP14, MPII16, POSETRACK15, POSETRACK17, SKELETONS


@pytest.fixture
def people() -> Poses:
    rng = np.random.default_rng(0)
    points = rng.uniform(10, 200, (4, 17, 2))
    return Poses.create(points, rng.uniform(0.2, 1, (4, 17)), track_ids=[3, 1, 4, 2])


@pytest.mark.parametrize("source", SKELETONS.values(), ids=SKELETONS)
@pytest.mark.parametrize("target", SKELETONS.values(), ids=SKELETONS)
def test_shared_names_are_copied_exactly(source, target) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    poses = Poses.create(rng.uniform(1, 99, (3, len(source), 3)), skeleton=source)
    mapped = map_poses(poses, target)
    if source is target:
        assert mapped is poses
        return
    assert mapped.skeleton is target
    for joint in set(source.keypoints) & set(target.keypoints):
        if joint in source.unlabelled | target.unlabelled:
            continue
        a, b = source.index(joint), target.index(joint)
        assert np.array_equal(mapped.keypoints[:, b], poses.keypoints[:, a])
        assert np.array_equal(mapped.scores[:, b], poses.scores[:, a])
    for joint in target.unlabelled:
        assert not mapped.present[:, target.index(joint)].any()
    assert np.array_equal(mapped.boxes, poses.boxes)


def test_head_rule_from_coco(people: Poses) -> None:
    mapped = map_poses(people, POSETRACK17)
    shoulders = people.keypoints[:, 5:7].mean(1)
    axis = people.keypoints[:, 0] - shoulders
    for joint, factor in (("head_bottom", HEAD_BOTTOM_FACTOR), ("head_top", HEAD_TOP_FACTOR)):
        row = POSETRACK17.index(joint)
        assert np.allclose(mapped.keypoints[:, row], shoulders + factor * axis, atol=1e-3)
        assert np.allclose(mapped.scores[:, row], people.scores[:, [0, 5, 6]].min(1))


def test_missing_nose_is_replaced_by_eyes_and_ears(people: Poses) -> None:
    scores = people.scores.copy()
    scores[:, 0] = 0
    scores[:, 2] = 0
    poses = Poses.create(people.keypoints, scores)
    top = map_poses(poses, LSP14).keypoints[:, LSP14.index("head_top")]
    shoulders, face = poses.keypoints[:, 5:7].mean(1), poses.keypoints[:, [1, 3, 4]].mean(1)
    assert np.allclose(top, shoulders + HEAD_TOP_FACTOR * (face - shoulders), atol=1e-3)


def test_nothing_is_derived_from_a_missing_joint(people: Poses) -> None:
    scores = people.scores.copy()
    scores[0, 5] = 0
    mapped = map_poses(Poses.create(people.keypoints, scores), MPII16)
    rows = [MPII16.index(j) for j in ("thorax", "neck", "head_top", "left_shoulder")]
    assert not mapped.present[0, rows].any()
    assert np.isnan(mapped.keypoints[0, rows]).all()
    assert mapped.present[1:, rows].all()


def test_torso_points_of_mpii(people: Poses) -> None:
    mapped = map_poses(people, MPII16)
    for joint, pair in (("thorax", (5, 6)), ("pelvis", (11, 12))):
        expected = people.keypoints[:, list(pair)].mean(1)
        assert np.allclose(mapped.keypoints[:, MPII16.index(joint)], expected)


def test_neck_and_head_bottom_are_one_place() -> None:
    poses = Poses.create(np.random.default_rng(2).uniform(1, 9, (2, 14, 3)), skeleton=LSP14)
    mapped = map_poses(poses, POSETRACK15)
    assert np.array_equal(mapped.keypoints[:, 12], poses.keypoints[:, 12])


def test_round_trip_through_posetrack_keeps_the_body(people: Poses) -> None:
    back = map_poses(map_poses(people, POSETRACK15), COCO17)
    body = [0, *range(5, 17)]
    assert np.array_equal(back.keypoints[:, body], people.keypoints[:, body])
    assert not back.present[:, 1:5].any()


def test_no_people() -> None:
    assert len(map_poses(Poses.empty(), POSETRACK15)) == 0
