from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose import Frame
from steadypose.errors import InputError
from steadypose.geometry import box_iou, oks, oks_pairs
from steadypose.poses import NO_TRACK, Poses, tight_boxes
from steadypose.skeletons import COCO17, POSETRACK15


def people(n: int, seed: int = 0) -> Poses:
    return Poses.create(np.random.default_rng(seed).uniform(1, 99, (n, 17, 3)))


def test_create_turns_bad_joints_into_missing_ones() -> None:
    points = np.full((1, 17, 2), 5.0)
    points[0, 1] = np.nan
    points[0, 2] = np.inf
    scores = np.full((1, 17), 0.5)
    scores[0, 3], scores[0, 4] = 0, np.nan
    poses = Poses.create(points, scores)
    assert poses.present[0].tolist() == [True, *[False] * 4, *[True] * 12]
    assert np.isnan(poses.keypoints[0, 1:5]).all()
    assert (poses.scores[0, 1:5] == 0).all()
    assert poses.track_ids.tolist() == [NO_TRACK]
    assert poses.box_scores[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "arguments",
    [
        {"keypoints": np.zeros((2, 16, 2))},
        {"keypoints": np.zeros((2, 17, 4))},
        {"keypoints": np.zeros((2, 17, 2)), "boxes": np.zeros((3, 4))},
        {"keypoints": np.zeros((2, 17, 2)), "track_ids": [1]},
    ],
    ids=["joints", "columns", "boxes", "ids"],
)
def test_shapes_that_do_not_fit_are_refused(arguments) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="expected"):
        Poses.create(**arguments)


def test_picking_and_joining() -> None:
    poses = people(3).with_track_ids([7, 8, 9])
    assert poses[[2, 0]].track_ids.tolist() == [9, 7]
    assert poses[poses.track_ids > 7].track_ids.tolist() == [8, 9]
    assert poses[1:].track_ids.tolist() == [8, 9]
    assert len(poses[[]]) == 0
    joined = Poses.concatenate([poses[:1], Poses.empty(), poses[1:]])
    assert np.array_equal(joined.keypoints, poses.keypoints)
    with pytest.raises(InputError, match="different skeletons"):
        Poses.concatenate([poses, Poses.empty(POSETRACK15)])


def test_drop_joints() -> None:
    poses = Poses.create(np.ones((1, 17, 2)), np.linspace(0.1, 0.9, 17)[None])
    kept = poses.drop_joints(0.5)
    assert kept.present.sum() == (poses.scores >= 0.5).sum()
    assert poses.present.all()


def test_tight_boxes_ignore_missing_joints() -> None:
    points = np.array([[[1, 2], [np.nan, np.nan], [5, 9]], [[np.nan] * 2] * 3], np.float32)
    assert tight_boxes(points).tolist() == [[1, 2, 5, 9], [0, 0, 0, 0]]


def test_frame_is_read_only_and_checked() -> None:
    frame = Frame(0, 0.0, 0.0, np.zeros((4, 6, 3), np.uint8))
    assert (frame.height, frame.width) == (4, 6)
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0] = 1
    with pytest.raises(InputError, match="uint8"):
        Frame(0, 0.0, 0.0, np.zeros((4, 6, 3), np.float32))  # type: ignore[arg-type]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 1000))
def test_iou_is_symmetric_and_one_on_itself(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 50, (n + m, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 50, (n + m, 2))], 1)
    a, b = boxes[:n], boxes[n:]
    assert np.allclose(box_iou(a, b), box_iou(b, a).T)
    assert np.allclose(np.diag(box_iou(a, a)), 1)
    assert ((box_iou(a, b) >= 0) & (box_iou(a, b) <= 1)).all()


def test_iou_of_empty_boxes_is_zero() -> None:
    assert box_iou(np.zeros((1, 4)), np.zeros((1, 4)))[0, 0] == 0
    assert box_iou(np.array([[5.0, 5, 1, 1]]), np.array([[0.0, 0, 9, 9]]))[0, 0] == 0


@given(st.floats(0.1, 100), st.floats(-1000, 1000))
def test_oks_does_not_depend_on_scale_or_place(scale: float, shift: float) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.uniform(0, 100, (2, 17, 2)), rng.uniform(0, 100, (3, 17, 2))
    areas = rng.uniform(100, 5000, 3)
    moved = oks(a * scale + shift, b * scale + shift, areas * scale**2, COCO17.sigmas)
    assert np.allclose(moved, oks(a, b, areas, COCO17.sigmas), atol=1e-6)


def test_oks_agrees_with_the_coco_evaluation() -> None:
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    rng = np.random.default_rng(4)
    truth, guess = rng.uniform(0, 100, (1, 17, 2)), rng.uniform(0, 100, (1, 17, 2))
    guess = truth + rng.normal(0, 4, truth.shape)
    area = 2500.0
    evaluation = cocoeval.COCOeval.__new__(cocoeval.COCOeval)
    evaluation.params = cocoeval.Params(iouType="keypoints")
    row = lambda p: np.column_stack([p[0], np.full(17, 2)]).reshape(-1).tolist()  # noqa: E731
    evaluation._gts = {(1, 1): [{"keypoints": row(truth), "area": area, "bbox": [0, 0, 50, 50]}]}
    evaluation._dts = {(1, 1): [{"keypoints": row(guess), "score": 1.0}]}
    expected = evaluation.computeOks(1, 1)[0, 0]
    assert oks(guess, truth, np.array([area]), COCO17.sigmas)[0, 0] == pytest.approx(expected)


def test_oks_counts_only_shared_joints() -> None:
    a = np.full((1, 17, 2), 10.0)
    b = a.copy()
    a[0, :5], b[0, 10:] = np.nan, np.nan
    area = np.array([100.0])
    assert oks(a, b, area, COCO17.sigmas)[0, 0] == 1
    assert oks(a, b, area, COCO17.sigmas, min_joints=6)[0, 0] == 0
    assert oks(np.full((1, 17, 2), np.nan), b, area, COCO17.sigmas)[0, 0] == 0


@pytest.mark.parametrize(
    ("weights", "expected"),
    [(None, 14 / 17), (0.25, 14 / 14.75), (0.0, 1.0)],
    ids=["alike", "less", "none"],
)
def test_oks_of_pairs_weighs_joints(weights: float | None, expected: float) -> None:
    a = np.random.default_rng(1).uniform(0, 100, (1, 17, 2))
    b, area = a.copy(), np.array([1000.0])
    b[0, :3] += 1e4
    each = None if weights is None else np.full((1, 17), 1.0)
    if each is not None:
        each[0, :3] = weights
    assert oks_pairs(a, b, area, COCO17.sigmas, weights=each)[0] == pytest.approx(expected)
    without = np.where(np.arange(17) < 3, 1.0, 0.0)[None]
    a[0, :3] = np.nan
    assert oks_pairs(a, b, area, COCO17.sigmas, weights=without)[0] == 0
