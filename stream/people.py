"""Where to look for people in a frame: the detector's boxes joined with the predicted tracks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steadypose.configs import DetectorConfig
from steadypose.engines.detectors import Detections
from steadypose.geometry import box_iou
from steadypose.poses import Poses
from steadypose.trackers import Predictions

SAME_PERSON_IOU = 0.3
"""A detection that overlaps a predicted track by at least this may be that person."""
MIN_VISIBLE = 0.25
"""A predicted box is followed while at least this share of it is inside the frame."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes to estimate poses in.

    Attributes:
        boxes: ``(N, 4)`` float32 x1 y1 x2 y2 in frame pixels.
        tracks: ``(N,)`` row of the predictions that the box stands for, or -1.
        detected: ``(N,)`` True where the box is the detector's own.
        likelihood: ``(N,)`` float32 the detector's score; NaN where the box is a predicted one.
    """

    boxes: NDArray[np.float32]
    tracks: NDArray[np.intp]
    detected: NDArray[np.bool_]
    likelihood: NDArray[np.float32]


def candidates(
    detections: Detections | None,
    predictions: Predictions,
    settings: DetectorConfig,
    frame_size: tuple[int, int],
) -> Candidates:
    """Join what the detector found with what the tracker expects.

    A detection below ``new_score`` counts only where a track is expected; a track that was not
    detected is followed at its predicted box. Without detections (between two looks of the
    detector) the predicted boxes stand alone.

    Args:
        detections: What the detector found, or None where it did not look.
        predictions: The tracks moved on to this frame's time.
        settings: Thresholds.
        frame_size: Height and width of the frame in pixels.
    """
    follow = np.flatnonzero(predictions.followed & _visible(predictions.boxes, frame_size))
    if detections is None:
        expected = predictions.boxes[follow].astype(np.float32)
        nobody = np.full(len(follow), np.nan, np.float32)
        return Candidates(expected, follow, np.zeros(len(follow), bool), nobody)
    owner = _owners(detections, predictions)
    keep = (detections.scores >= settings.new_score) | (
        (owner >= 0) & (detections.scores >= settings.keep_score)
    )
    found, scores, owner = detections.boxes[keep], detections.scores[keep], owner[keep]
    unseen = np.setdiff1d(follow, owner)
    boxes = np.concatenate([found, predictions.boxes[unseen].astype(np.float32)])
    detected = np.arange(len(boxes)) < len(found)
    likelihood = np.concatenate([scores, np.full(len(unseen), np.nan, np.float32)])
    tracks = np.concatenate([owner, unseen]).astype(np.intp)
    return Candidates(boxes, tracks, detected, likelihood)


def _owners(detections: Detections, predictions: Predictions) -> NDArray[np.intp]:
    """For each detection the row of the track that it best explains, or -1; one to one."""
    owner = np.full(len(detections), -1, np.intp)
    from scipy.optimize import linear_sum_assignment  # here, as it is slow to import

    overlap = box_iou(detections.boxes, predictions.boxes)
    rows, columns = linear_sum_assignment(-overlap)
    near = overlap[rows, columns] >= SAME_PERSON_IOU
    owner[rows[near]] = columns[near]
    return owner


def _visible(boxes: NDArray[np.floating], frame_size: tuple[int, int]) -> NDArray[np.bool_]:
    limits = np.array([frame_size[1], frame_size[0]] * 2)
    inside = np.clip(boxes, 0, limits)
    whole = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1e-9)
    visible: NDArray[np.bool_] = (inside[:, 2:] - inside[:, :2]).prod(1) / whole >= MIN_VISIBLE
    return visible


def person_scores(poses: Poses, found_in: Candidates) -> Poses:
    """Score each person by both networks: the geometric mean of detection and pose score.

    A sure detection makes up for a view in which the estimator is unsure (from behind), and a
    poor pose speaks against a box that is no person. At a predicted box the pose speaks alone.
    """
    pose = poses.box_scores
    both = np.where(found_in.detected, np.sqrt(found_in.likelihood * pose), pose)
    return replace(poses, box_scores=both.astype(np.float32))


def carry_boxes(poses: Poses, found_in: Candidates, predictions: Predictions) -> Poses:
    """Let predicted boxes ride along with the joints found in them.

    Between two detections the only news of a box is the pose in it: the box is shifted and scaled
    as the observed joints are against the predicted ones (least squares, weighted by score; the
    scale changes by at most a tenth). Boxes of the detector stay.

    Args:
        poses: Poses estimated in ``found_in.boxes``, in that order.
        found_in: Where they were looked for.
        predictions: The tracks that the boxes came from.
    """
    rows = np.flatnonzero(~found_in.detected & (found_in.tracks >= 0))
    if not len(rows):
        return poses
    expected = predictions.keypoints[found_in.tracks[rows]]
    observed = poses.keypoints[rows].astype(np.float64)
    weight = np.where(np.isfinite(expected) & np.isfinite(observed), 1.0, 0.0).min(-1)
    weight = weight * poses.scores[rows]
    total = weight.sum(1, keepdims=True)
    share = (weight / np.maximum(total, 1e-9))[..., None]
    old, new = np.nan_to_num(expected), np.nan_to_num(observed)
    old_mean, new_mean = (share * old).sum(1), (share * new).sum(1)
    old_var = (share * (old - old_mean[:, None]) ** 2).sum((1, 2))
    new_var = (share * (new - new_mean[:, None]) ** 2).sum((1, 2))
    scale = np.clip(np.sqrt(new_var / np.maximum(old_var, 1e-9)), 0.9, 1.1)[:, None]
    boxes = found_in.boxes[rows].astype(np.float64).reshape(-1, 2, 2)
    moved = (boxes - old_mean[:, None]) * scale[:, None] + new_mean[:, None]
    enough = (weight > 0).sum(1) >= 3
    carried = poses.boxes.copy()
    carried[rows[enough]] = moved[enough].reshape(-1, 4).astype(np.float32)
    return replace(poses, boxes=carried)
