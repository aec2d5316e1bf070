from __future__ import annotations

import numpy as np
import pytest

from steadypose.configs import DetectorConfig
from steadypose.engines.detectors import Detections
from steadypose.poses import Poses
from steadypose.stream.people import Candidates, candidates, carry_boxes, person_scores
from steadypose.trackers import PoseTracker, Predictions

FRAME = (200, 300)
SETTINGS = DetectorConfig(new_score=0.5, keep_score=0.2)


def figure(x: float, y: float, scale: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.array([x, y]) + scale * rng.uniform(0, 1, (17, 2)) * (30, 80)


def expected(*corners: tuple[float, float]) -> Predictions:
    tracker = PoseTracker()
    points = np.array([figure(x, y) for x, y in corners])
    boxes = [(x, y, x + 30, y + 80) for x, y in corners]
    tracker.update(Poses.create(points, boxes=boxes, box_scores=[0.9] * len(boxes)), 0.0)
    return tracker.predict(0.0)


def detections(*rows: tuple[float, float, float]) -> Detections:
    boxes = np.array([(x, y, x + 30, y + 80) for x, y, _ in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([s for *_, s in rows], np.float32))


@pytest.mark.parametrize(
    ("found", "boxes", "tracks"),
    [
        (detections((50, 50, 0.9)), [(50, 50), (150, 50)], [0, 1]),
        (detections((52, 50, 0.3)), [(52, 50), (150, 50)], [0, 1]),
        (detections((52, 50, 0.1)), [(50, 50), (150, 50)], [0, 1]),
        (detections((240, 50, 0.3)), [(50, 50), (150, 50)], [0, 1]),
        (detections((240, 50, 0.6)), [(240, 50), (50, 50), (150, 50)], [-1, 0, 1]),
        (
            detections((50, 50, 0.9), (55, 50, 0.4), (150, 50, 0.8)),
            [(50, 50), (150, 50)],
            [0, 1],
        ),
        (detections(), [(50, 50), (150, 50)], [0, 1]),
        (None, [(50, 50), (150, 50)], [0, 1]),
    ],
    ids=["known", "weak", "too-weak", "weak-new", "new", "one-to-one", "nothing", "no-look"],
)
def test_boxes_to_look_in(
    found: Detections | None, boxes: list[tuple[float, float]], tracks: list[int]
) -> None:
    got = candidates(found, expected((50, 50), (150, 50)), SETTINGS, FRAME)
    assert np.allclose(got.boxes[:, :2], boxes, atol=0.5)
    assert got.tracks.tolist() == tracks
    assert np.isnan(got.likelihood).tolist() == (~got.detected).tolist()


def test_people_who_have_left_the_frame_are_not_followed() -> None:
    got = candidates(None, expected((-25, 50), (-10, 50), (290, 50)), SETTINGS, FRAME)
    assert np.allclose(got.boxes[:, 0], [-10, 290], atol=0.5)


def test_nobody_expected() -> None:
    nobody = PoseTracker().predict(0.0)
    assert len(candidates(None, nobody, SETTINGS, FRAME).boxes) == 0
    assert len(candidates(detections((5, 5, 0.9)), nobody, SETTINGS, FRAME).boxes) == 1


@pytest.mark.parametrize(("scale", "kept"), [(1.0, 1.0), (1.05, 1.05), (2.0, 1.1)])
def test_predicted_boxes_ride_along_with_the_joints(scale: float, kept: float) -> None:
    predictions = expected((50, 50), (150, 50))
    where = candidates(None, predictions, SETTINGS, FRAME)
    old = predictions.keypoints
    middle = old.mean(1, keepdims=True)
    poses = Poses.create(middle + scale * (old - middle) + (7, -3), boxes=where.boxes)
    moved = carry_boxes(poses, where, predictions).boxes
    sides = moved[:, 2:] - moved[:, :2]
    assert np.allclose(sides, kept * (where.boxes[:, 2:] - where.boxes[:, :2]), rtol=1e-3)
    if scale == 1:
        assert np.allclose(moved, where.boxes + np.tile([7, -3], 2), atol=1e-3)


def test_detected_boxes_and_unseen_joints_leave_the_box_alone() -> None:
    predictions = expected((50, 50))
    found = candidates(detections((52, 50, 0.9)), predictions, SETTINGS, FRAME)
    poses = Poses.create(predictions.keypoints + 9, boxes=found.boxes)
    assert np.array_equal(carry_boxes(poses, found, predictions).boxes, found.boxes)
    where = candidates(None, predictions, SETTINGS, FRAME)
    blind = Poses.create(predictions.keypoints, np.zeros((1, 17)), where.boxes)
    assert np.array_equal(carry_boxes(blind, where, predictions).boxes, where.boxes)


def test_scores_of_detector_and_pose_are_joined() -> None:
    poses = Poses.create(np.ones((2, 17, 2)), boxes=np.zeros((2, 4)), box_scores=[0.36, 0.36])
    where = Candidates(
        poses.boxes, np.array([-1, 0]), np.array([True, False]), np.float32([0.81, np.nan])
    )
    assert np.allclose(person_scores(poses, where).box_scores, [0.54, 0.36])
