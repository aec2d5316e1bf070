"""How well tracks and observations fit: pose, box, direction of motion, looks.

The similarity of a track and an observation is a weighted mean of terms, each in 0..1; their
weights stand in :func:`affinity` alone. A term of which nothing is known has no weight. People do
not change their size from frame to frame, whatever the rest says: a factor holds that against a
pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.geometry import box_iou_pairs
from steadypose.skeletons import Skeleton
from steadypose.trackers.appearance import resemblance
from steadypose.trackers.observations import AREA_SHARE, Observations
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings

Array = NDArray[np.float64]
_Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, slots=True, eq=False)
class Affinity:
    """How well tracks and observations fit.

    Attributes:
        similarity: ``(T, M)`` in 0..1, whether the two may be the same person; an uncertain track
            is similar to much.
        preference: ``(T, M)`` in 0..1, the same less what the track loses for its uncertainty;
            of several assignments that may be, the one with the highest sum is made.
    """

    similarity: Array
    preference: Array


def affinity(
    predictions: Predictions,
    observations: Observations,
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> Affinity:
    """Compare every track with every observation; those too far apart have 0."""
    similarity = np.zeros((len(predictions), len(observations)))
    preference = np.zeros_like(similarity)
    tracks, people = pairs = _near(predictions, observations)
    if not len(tracks):
        return Affinity(similarity, preference)
    pose, certain_pose, shared = _pose_closeness(
        predictions, observations, pairs, skeleton, settings
    )
    # The pose counts less, the fewer joints can be compared; without any, the box decides.
    pose_weight = (1 - settings.box_weight) * shared / (shared + settings.few_joints)
    box = box_iou_pairs(predictions.boxes[tracks], observations.boxes[people])
    way, way_weight = _direction(predictions, observations, pairs, settings)
    looks, looks_weight, stranger = _looks(predictions, observations, pairs, settings)
    rest = settings.box_weight * box + way_weight * way + looks_weight * looks
    total = pose_weight + settings.box_weight + way_weight + looks_weight
    growth = np.log(predictions.sizes[tracks] / observations.sizes[people])
    plausible = ~stranger * np.exp(-((growth / settings.growth_tolerance) ** 2) / 2)
    similarity[pairs] = (pose_weight * pose + rest) / total * plausible
    preference[pairs] = (pose_weight * certain_pose + rest) / total * plausible
    return Affinity(similarity, preference)


def centres(boxes: Array) -> Array:
    """Middles ``(N, 2)`` of boxes ``(N, 4)``."""
    middle: Array = (boxes[:, :2] + boxes[:, 2:]) / 2
    return middle


def likeness(resembling: Array, settings: TrackerSettings) -> Array:
    """Cosines of looks as terms in 0..1: strangers, who resemble each other too, have about 0."""
    return np.clip((resembling - settings.stranger_looks) / (1 - settings.stranger_looks), 0, 1)


def _near(predictions: Predictions, observations: Observations) -> _Pairs:
    """Rows of tracks and people whose centres are within the gate; others are not compared.

    A person's size and two standard deviations apart, no pair reaches a similarity that counts.
    """
    slack = predictions.sizes / 2 + 2 * np.sqrt(predictions.centre_var)
    reach = slack[:, None] + observations.sizes[None] / 2
    first, second = centres(predictions.boxes), centres(observations.boxes)
    near = np.ones(reach.shape, bool)
    for axis in (0, 1):
        near &= np.abs(first[:, None, axis] - second[None, :, axis]) <= reach
    tracks, people = np.nonzero(near)
    return tracks, people


def _pose_closeness(
    predictions: Predictions,
    observations: Observations,
    pairs: _Pairs,
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> tuple[Array, Array, Array]:
    """OKS ``(P,)`` with spreads widened by the predicted uncertainty, for pairs.

    Joints weigh as much as their observed score. The kernel falls off as Student's t density with
    three degrees of freedom, not as a normal one: one joint far off is an error, not a stranger.

    Returns:
        The closeness; the same where each joint's is scaled by its certainty,
        ``(spread^2 / (spread^2 + variance)) ** certainty_power``; the number of shared joints.
    """
    tracks, people = pairs
    sizes = np.sqrt(predictions.sizes[tracks] * observations.sizes[people])[:, None]
    spread_var = AREA_SHARE * (settings.pose_tolerance * 2 * skeleton.sigmas * sizes) ** 2
    total_var = spread_var + predictions.keypoint_var[tracks]
    way = predictions.keypoints[tracks] - observations.keypoints[people]
    squared = way[..., 0] ** 2 + way[..., 1] ** 2
    shared = np.isfinite(squared)
    closeness = np.where(shared, (1 + squared / (4 * total_var)) ** -2, 0.0)
    certainty = np.where(shared, (spread_var / total_var) ** settings.certainty_power, 0.0)
    weight = np.where(shared, observations.scores[people], 0.0)
    weight /= np.maximum(weight.sum(1, keepdims=True), 1e-12)
    weighted = weight * closeness
    return weighted.sum(1), (weighted * certainty).sum(1), shared.sum(1).astype(np.float64)


def _direction(
    predictions: Predictions,
    observations: Observations,
    pairs: _Pairs,
    settings: TrackerSettings,
) -> tuple[Array, Array]:
    """Whether the way to the observation agrees with the track's, ``(P,)``, and its weight.

    After the observation-centric momentum of OC-SORT (Cao et al., CVPR 2023): 1 for the same
    direction, 0 for the opposite one. It weighs the less, the less the speed stands out from its
    uncertainty and the way from the noise of boxes.
    """
    tracks, people = pairs
    if not settings.direction_weight:
        return np.zeros(len(tracks)), np.zeros(len(tracks))
    velocity = predictions.velocity[tracks]
    start = centres(predictions.boxes)[tracks] - velocity * predictions.unseen_s[tracks, None]
    way = centres(observations.boxes)[people] - start
    noise = (settings.box_noise * observations.sizes[people]) ** 2
    speed, length = (velocity**2).sum(1), (way**2).sum(1)
    weight = settings.direction_weight * speed * length
    weight /= (speed + 2 * predictions.velocity_var[tracks]) * (length + 2 * noise)
    cosine = (velocity * way).sum(1) / np.maximum(np.sqrt(speed * length), 1e-12)
    return (1 + cosine) / 2, weight


def _looks(
    predictions: Predictions,
    observations: Observations,
    pairs: _Pairs,
    settings: TrackerSettings,
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Likeness ``(P,)`` of the looks of pairs, its weight (0 where unknown), and who cannot be.

    The prediction of who was lost for long is so wide that anybody near fits it; then only those
    may who look alike.
    """
    tracks, people = pairs
    if not predictions.appearance.shape[1] or not observations.appearance.shape[1]:
        return np.zeros(len(tracks)), np.zeros(len(tracks)), np.zeros(len(tracks), bool)
    cosine = resemblance(predictions.appearance[tracks], observations.appearance[people])
    known = np.isfinite(cosine)
    value = np.where(known, likeness(np.nan_to_num(cosine), settings), 0.0)
    lost = ~predictions.followed[tracks]
    return value, settings.appearance_weight * known, lost & (cosine < settings.lost_looks)
