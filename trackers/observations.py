"""People as the tracker takes them in: checked, in float64, each person once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.geometry import box_iou_pairs, oks_pairs
from steadypose.poses import NO_TRACK, Poses, tight_boxes
from steadypose.skeletons import Skeleton
from steadypose.trackers.neighbours import touching
from steadypose.trackers.settings import TrackerSettings

Array = NDArray[np.float64]

FARTHEST_PX = 1e6
"""Coordinates this far out are no place in a picture; sizes would drown in their rounding."""

AREA_SHARE = 0.53
"""Share of its box that a person's silhouette fills: the median ``area`` of COCO's annotations.

OKS is defined on the silhouette's area, which a tracker does not know.
"""

COMPARABLE = 3
"""Shared joints from which two poses can be compared."""


@dataclass(eq=False)
class Observations:
    """M people of one frame. Nothing here is changed in place.

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
        overlaps: ``(M,)`` highest box IoU with another of them; 0 where D is 0.
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

    def __getitem__(self, rows: NDArray[np.intp]) -> Observations:
        return Observations(*[getattr(self, name).take(rows, 0) for name in self.__match_args__])

    @cached_property
    def sizes(self) -> Array:
        """``(M,)`` person sizes in pixels: the square root of the area of the box."""
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        return np.sqrt(sides[:, 0] * sides[:, 1])

    def areas_of_smaller(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> Array:
        """``(P,)`` area in px^2, as OKS is defined on, of the smaller of each pair of rows."""
        areas: Array = AREA_SHARE * np.minimum(self.sizes[first], self.sizes[second]) ** 2
        return areas


def observe(
    poses: Poses,
    detected: bool | NDArray[np.bool_],
    held: NDArray[np.bool_] | None,
    appearance: Array,
    evidence: NDArray[np.floating] | None,
    settings: TrackerSettings,
) -> Observations:
    """Take people in; NaN scores count as 0, joints beyond ``FARTHEST_PX`` as missing.

    Joint scores are taken times the evidence.

    A row without a usable box (not finite, too far, or no area) takes the tight box around its
    joints; one that has neither is left out, as is a duplicate of a better row.

    Raises:
        InputError: ``detected`` is neither one value nor one for each row, ``held`` is not one for
            each row, a held row has no track id, or ``evidence`` is not a number in 0..1 for each.
    """
    near = np.abs(poses.keypoints) < FARTHEST_PX
    missing = ~(near[..., 0] & near[..., 1] & (poses.scores > 0))
    keypoints, scores = poses.keypoints.astype(np.float64), poses.scores.astype(np.float64)
    keypoints[missing], scores[missing] = np.nan, 0.0
    scores = np.minimum(scores, 1)
    if evidence is not None:
        scores *= _checked_evidence(evidence, len(poses))[:, None]
    boxes = poses.boxes.astype(np.float64)
    usable = _usable(boxes)
    whole = bool(usable.all())
    if not whole:
        boxes[~usable] = tight_boxes(keypoints[~usable].astype(np.float32))
        usable = _usable(boxes)
    observations = Observations(
        np.arange(len(poses)),
        keypoints,
        scores,
        boxes,
        np.minimum(np.fmax(poses.box_scores.astype(np.float64), 0), 1),
        scores.sum(1) / (len(poses.skeleton) - len(poses.skeleton.unlabelled)),
        _each(detected, len(poses)),
        _held(held, poses),
        appearance,
        np.zeros(len(poses)),
    )
    if not whole:
        observations = observations[np.flatnonzero(usable)]
    return without_duplicates(observations, poses.skeleton, settings)


def without_duplicates(
    observations: Observations, skeleton: Skeleton, settings: TrackerSettings
) -> Observations:
    """Keep, of each group of observations of the same person, the best one; tell who overlaps.

    Two are the same person when their OKS over three or more shared joints is above
    ``duplicate_oks``, or, where fewer joints can be compared, their box IoU is above
    ``duplicate_iou``. Where a detector did not find both, ``follow_duplicate_oks`` will do: in the
    predicted box of a hidden person the estimator finds a part of whoever stands before. Best is
    one that was detected and is not held, then the one with the higher scores and the pose that
    fills its box better, then the earlier row.
    """
    first, second = touching(observations.boxes)
    if not len(first):
        return observations
    same = _same(observations, first, second, skeleton, settings).nonzero()[0]
    kept = None
    if len(same):
        kept = _best(observations, first[same], second[same])
        both = kept[first] & kept[second]
        first, second = first[both], second[both]
    if observations.appearance.shape[1]:
        observations = replace(observations, overlaps=_overlaps(observations.boxes, first, second))
    return observations if kept is None else observations[kept.nonzero()[0]]


def _same(
    observations: Observations,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> NDArray[np.bool_]:
    """Which pairs of rows are one person, ``(P,)``."""
    areas = observations.areas_of_smaller(first, second)
    one, other = observations.keypoints.take(first, 0), observations.keypoints.take(second, 0)
    both_detected = observations.detected[first] & observations.detected[second]
    most = np.where(both_detected, settings.duplicate_oks, settings.follow_duplicate_oks)
    same = oks_pairs(one, other, areas, skeleton.sigmas) > most
    few = np.isfinite(one[..., 0] + other[..., 0]).sum(1) < COMPARABLE
    if few.any():
        boxes = observations.boxes
        iou = box_iou_pairs(boxes[first[few]], boxes[second[few]])
        same[few] = iou > settings.duplicate_iou
    return same


def _overlaps(boxes: Array, first: NDArray[np.intp], second: NDArray[np.intp]) -> Array:
    """The highest IoU ``(M,)`` of each box in the pairs of rows that it belongs to."""
    iou, most = box_iou_pairs(boxes[first], boxes[second]), np.zeros(len(boxes))
    np.maximum.at(most, first, iou)
    np.maximum.at(most, second, iou)
    return most


def _best(
    observations: Observations, first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Mask of what remains when the better row of each pair drives out the other, best first."""
    rivals: dict[int, list[int]] = defaultdict(list)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        rivals[one].append(other)
        rivals[other].append(one)
    rows = np.array(sorted(rivals))
    some = observations[rows]
    rank = (some.box_scores + some.pose_scores) * _box_fit(some)
    news = some.detected & (some.held == NO_TRACK)
    kept = np.ones(len(observations), bool)
    for row in rows[np.lexsort((-rank, ~news))].tolist():
        if kept[row]:
            kept[rivals[row]] = False
    return kept


def _each(detected: bool | NDArray[np.bool_], rows: int) -> NDArray[np.bool_]:
    mask = np.asarray(detected, bool)
    if mask.shape not in ((), (rows,)):
        raise InputError(f"detected: expected one value or shape ({rows},), got {mask.shape}")
    return np.full(rows, mask)


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
    # Without a joint the extent is turned inside out, and overlaps nothing.
    low = np.fmin.reduce(observations.keypoints, 1, initial=np.inf)
    high = np.fmax.reduce(observations.keypoints, 1, initial=-np.inf)
    return box_iou_pairs(np.concatenate([low, high], 1), observations.boxes)


def _usable(boxes: Array) -> NDArray[np.bool_]:
    x1, y1, x2, y2 = boxes.T
    across = (x1 > -FARTHEST_PX) & (x1 < x2) & (x2 < FARTHEST_PX)
    usable: NDArray[np.bool_] = across & (y1 > -FARTHEST_PX) & (y1 < y2) & (y2 < FARTHEST_PX)
    return usable
