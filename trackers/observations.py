"""People as the tracker takes them in: checked, in float64, each person once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.geometry import box_iou, oks_pairs
from steadypose.poses import NO_TRACK, Poses, tight_boxes
from steadypose.skeletons import Skeleton
from steadypose.trackers.appearance import checked
from steadypose.trackers.settings import TrackerSettings

Array = NDArray[np.float64]

FARTHEST_PX = 1e6
"""Coordinates this far out are no place in a picture; sizes would drown in their rounding."""

AREA_SHARE = 0.53
"""Share of its box that a person's silhouette fills: the median ``area`` of COCO's annotations.

OKS is defined on the silhouette's area, which a tracker does not know.
"""

_COMPARABLE = 3
"""Shared joints from which two poses can be compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """M people of one frame.

    Attributes:
        rows: ``(M,)`` rows of the ``Poses`` they came from, ascending.
        keypoints: ``(M, K, 2)`` pixels; missing joints are NaN.
        scores: ``(M, K)`` joint scores in 0..1; 0 where missing.
        boxes: ``(M, 4)`` pixels, of positive area.
        box_scores: ``(M,)`` person scores in 0..1.
        pose_scores: ``(M,)`` mean joint score, missing joints counted as 0.
        detected: ``(M,)`` bool, whether a detector found the person; else the box is a track's.
        held: ``(M,)`` id of the track whose own prediction the person is; else ``NO_TRACK``.
        appearance: ``(M, D)`` what they look like; NaN where unknown, D = 0 without any.
        overlaps: ``(M,)`` highest box IoU with another of them.
    """

    rows: NDArray[np.intp]
    keypoints: Array
    scores: Array
    boxes: Array
    box_scores: Array
    pose_scores: Array
    detected: NDArray[np.bool_]
    held: NDArray[np.int64]
    appearance: Array
    overlaps: Array

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Observations:
        return Observations(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def sizes(self) -> Array:
        """``(M,)`` person sizes in pixels: the square root of the area of the box."""
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        return np.sqrt(sides[:, 0] * sides[:, 1])


def observe(
    poses: Poses,
    detected: bool | NDArray[np.bool_],
    held: NDArray[np.bool_] | None,
    appearance: NDArray[np.floating] | None,
    evidence: NDArray[np.floating] | None,
    settings: TrackerSettings,
) -> Observations:
    """Take people in; NaN scores count as 0, joints beyond ``FARTHEST_PX`` as missing.

    Joint scores are taken times the evidence.

    A row without a usable box (not finite, too far, or no area) takes the tight box around its
    joints; one that has neither is left out, as is a duplicate of a better row.

    Raises:
        InputError: ``detected`` is neither one value nor one for each row, ``held`` is not one for
            each row, a held row has no track id, ``appearance`` has another number of rows, or
            ``evidence`` is not a number in 0..1 for each row.
    """
    near = np.abs(np.nan_to_num(poses.keypoints)) < FARTHEST_PX
    present = poses.present & near.all(-1)
    keypoints = np.where(present[..., None], poses.keypoints, np.float32(np.nan))
    scores = np.where(present, np.clip(poses.scores, 0, 1), 0.0).astype(np.float64)
    if evidence is not None:
        scores *= _checked_evidence(evidence, len(poses))[:, None]
    boxes = np.where(_usable(poses.boxes)[:, None], poses.boxes, tight_boxes(keypoints))
    observations = Observations(
        np.arange(len(poses)),
        keypoints.astype(np.float64),
        scores,
        boxes.astype(np.float64),
        np.clip(np.nan_to_num(poses.box_scores.astype(np.float64), nan=0.0), 0, 1),
        scores.sum(1) / (len(poses.skeleton) - len(poses.skeleton.unlabelled)),
        _each(detected, len(poses)),
        _held(held, poses),
        checked(appearance, len(poses)),
        np.zeros(len(poses)),
    )
    usable = _usable(observations.boxes)
    if not usable.all():
        observations = observations[usable]
    return without_duplicates(observations, poses.skeleton, settings)


def without_duplicates(
    observations: Observations, skeleton: Skeleton, settings: TrackerSettings
) -> Observations:
    """Keep, of each group of observations of the same person, the best one.

    Two are the same person when their OKS over three or more shared joints is above
    ``duplicate_oks``, or, where fewer joints can be compared, their box IoU is above
    ``duplicate_iou``. Best is one that was detected and is not held, then the one with the higher
    scores and the pose that fills its box better, then the earlier row.
    """
    iou = box_iou(observations.boxes, observations.boxes)
    iou.flat[:: len(iou) + 1] = 0
    observations = replace(observations, overlaps=iou.max(1, initial=0.0))
    first, second = np.nonzero(iou > 0)
    first, second = first[first < second], second[first < second]
    if not len(first):
        return observations
    areas = AREA_SHARE * np.minimum(observations.sizes[first], observations.sizes[second]) ** 2
    similarity = oks_pairs(
        observations.keypoints[first], observations.keypoints[second], areas, skeleton.sigmas
    )
    shared = np.isfinite(observations.keypoints[..., 0])
    comparable = (shared[first] & shared[second]).sum(1) >= _COMPARABLE
    same = np.where(
        comparable,
        similarity > settings.duplicate_oks,
        iou[first, second] > settings.duplicate_iou,
    )
    if not same.any():
        return observations
    conflict = np.zeros(iou.shape, bool)
    conflict[first[same], second[same]] = conflict[second[same], first[same]] = True
    kept = np.ones(len(observations), bool)
    rank = (observations.box_scores + observations.pose_scores) * _box_fit(observations)
    news = observations.detected & (observations.held == NO_TRACK)
    for row in np.lexsort((-rank, ~news)):
        if kept[row]:
            kept &= ~conflict[row]
    overlaps = np.where(kept, iou, 0.0).max(1)
    return replace(observations, overlaps=overlaps)[kept]


def explained(
    observations: Observations,
    rows: NDArray[np.intp],
    by: NDArray[np.intp],
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> NDArray[np.bool_]:
    """Which of the observations ``rows`` are parts of the people ``by``, ``(R,)``.

    A second box on a person often holds a pose whose sure joints are that person's, while the rest
    are guesses that lie anywhere. So the OKS over three or more shared joints, each weighted by its
    score in the observation in question, is held against ``duplicate_oks``.
    """
    if not len(rows) or not len(by):
        return np.zeros(len(rows), bool)
    one, other = np.repeat(rows, len(by)), np.tile(by, len(rows))
    areas = AREA_SHARE * np.minimum(observations.sizes[one], observations.sizes[other]) ** 2
    similarity = oks_pairs(
        observations.keypoints[one],
        observations.keypoints[other],
        areas,
        skeleton.sigmas,
        min_joints=_COMPARABLE,
        weights=observations.scores[one],
    )
    most = similarity.reshape(len(rows), len(by)).max(1)
    return np.asarray(most > settings.duplicate_oks, bool)


def _each(detected: bool | NDArray[np.bool_], rows: int) -> NDArray[np.bool_]:
    mask = np.asarray(detected, bool)
    if mask.shape not in ((), (rows,)):
        raise InputError(f"detected: expected one value or shape ({rows},), got {mask.shape}")
    return np.broadcast_to(mask, (rows,))


def _checked_evidence(evidence: NDArray[np.floating], rows: int) -> Array:
    values = np.asarray(evidence, np.float64)
    if values.shape != (rows,) or not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"evidence: expected shape ({rows},) in 0..1, got {values}")
    return values


def _held(held: NDArray[np.bool_] | None, poses: Poses) -> NDArray[np.int64]:
    if held is None:
        return np.full(len(poses), NO_TRACK, np.int64)
    mask = np.asarray(held, bool)
    if mask.shape != (len(poses),):
        raise InputError(f"held: expected shape ({len(poses)},), got {mask.shape}")
    nameless = np.flatnonzero(mask & (poses.track_ids == NO_TRACK))
    if len(nameless):
        raise InputError(f"held: row {nameless[0]} has no track id, so it is no track's prediction")
    return np.where(mask, poses.track_ids, NO_TRACK)


def _box_fit(observations: Observations) -> Array:
    """How well each pose fills its own box, ``(M,)`` in 0..1: their IoU.

    It tells whose a pose is, when the estimator found one person in the boxes of two.
    """
    extent = tight_boxes(observations.keypoints.astype(np.float32)).astype(np.float64)
    low = np.maximum(extent[:, :2], observations.boxes[:, :2])
    high = np.minimum(extent[:, 2:], observations.boxes[:, 2:])
    overlap = np.clip(high - low, 0, None).prod(1)
    union = (extent[:, 2:] - extent[:, :2]).prod(1) + observations.sizes**2 - overlap
    fit: Array = overlap / union
    return fit


def _usable(boxes: NDArray[np.floating]) -> NDArray[np.bool_]:
    near = (np.abs(np.nan_to_num(boxes, nan=np.inf)) < FARTHEST_PX).all(1)
    usable: NDArray[np.bool_] = near & (boxes[:, 2:] > boxes[:, :2]).all(1)
    return usable
