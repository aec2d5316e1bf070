"""How well tracks and observations fit: pose, box, direction of motion, looks.

The similarity of a track and an observation is a weighted mean of terms, each in 0..1; their
weights stand in :func:`affinity` alone. A term of which nothing is known has no weight. People do
not change their size from frame to frame, whatever the rest says: a factor holds that against a
pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.geometry import box_iou_pairs
from steadypose.skeletons import Skeleton
from steadypose.trackers.appearance import resemblance
from steadypose.trackers.neighbours import Rows, within
from steadypose.trackers.observations import AREA_SHARE, Observations
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings

Array = NDArray[np.float64]
_Pairs = tuple[Rows, Rows]


@dataclass(slots=True, eq=False)
class Affinity:
    """How well tracks and observations fit; pairs that are too far apart do not occur.

    Attributes:
        tracks: ``(P,)`` row of the track of each pair.
        people: ``(P,)`` row of the observation.
        similarity: ``(P,)`` in 0..1, whether the two may be the same person; an uncertain track
            is similar to much.
        preference: ``(P,)`` in 0..1, the same less what the track loses for its uncertainty; of
            several assignments that may be, the one with the highest sum is made.
    """

    tracks: Rows
    people: Rows
    similarity: Array
    preference: Array


def affinity(
    predictions: Predictions,
    observations: Observations,
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> Affinity:
    """Compare tracks and observations that are near each other."""
    places = centres(predictions.boxes), centres(observations.boxes)
    tracks, people = pairs = _near(predictions, observations, places)
    if not len(tracks):
        return Affinity(tracks, people, np.zeros(0), np.zeros(0))
    pose, certain_pose, shared = _pose_closeness(
        predictions, observations, pairs, skeleton, settings
    )
    # The pose counts less, the fewer joints can be compared; without any, the box decides.
    pose_weight = (1 - settings.box_weight) * shared / (shared + settings.few_joints)
    box = box_iou_pairs(predictions.boxes.take(tracks, 0), observations.boxes.take(people, 0))
    rest, total = settings.box_weight * box, pose_weight + settings.box_weight
    growth = np.log(predictions.sizes[tracks] / observations.sizes[people])
    plausible = np.exp(-((growth / settings.growth_tolerance) ** 2) / 2)
    if settings.direction_weight:
        way, weight = _direction(predictions, observations, places, pairs, settings)
        rest, total = rest + weight * way, total + weight
    if predictions.appearance.shape[1] and observations.appearance.shape[1]:
        looks, weight, stranger = _looks(predictions, observations, pairs, settings)
        rest, total = rest + weight * looks, total + weight
        plausible[stranger] = 0
    plausible /= total
    return Affinity(
        tracks,
        people,
        (pose_weight * pose + rest) * plausible,
        (pose_weight * certain_pose + rest) * plausible,
    )


def centres(boxes: Array) -> Array:
    """Middles ``(N, 2)`` of boxes ``(N, 4)``."""
    middle: Array = (boxes[:, :2] + boxes[:, 2:]) / 2
    return middle


def likeness(resembling: Array, settings: TrackerSettings) -> Array:
    """Cosines of looks as terms in 0..1: strangers, who resemble each other too, have about 0."""
    terms = (resembling - settings.stranger_looks) / (1 - settings.stranger_looks)
    return np.minimum(np.maximum(terms, 0), 1)


def _near(
    predictions: Predictions, observations: Observations, places: tuple[Array, Array]
) -> _Pairs:
    """Rows of tracks and people whose centres are within the gate; others are not compared.

    A person's size and two standard deviations apart, no pair reaches a similarity that counts.
    """
    slack = predictions.sizes / 2 + 2 * np.sqrt(predictions.centre_var)
    return within(*places, slack, observations.sizes / 2)


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
    areas = predictions.sizes[tracks] * observations.sizes[people]
    unit = settings.pose_tolerance * 2 * math.sqrt(AREA_SHARE) * skeleton.sigmas
    spread_var = unit**2 * areas[:, None]
    total_var = spread_var + predictions.keypoint_var.take(tracks, 0)
    way = predictions.keypoints.take(tracks, 0) - observations.keypoints.take(people, 0)
    squared = way[..., 0] ** 2 + way[..., 1] ** 2
    shared = np.isfinite(squared)
    kernel = 1 + squared / (4 * total_var)
    weight = np.where(shared, observations.scores.take(people, 0), 0.0)
    weighted = np.where(shared, weight / (kernel * kernel), 0.0)
    certainty = np.where(shared, (spread_var / total_var) ** settings.certainty_power, 0.0)
    share = 1 / np.maximum(weight.sum(1), 1e-12)
    certain = np.einsum("pk,pk->p", weighted, certainty)
    return share * weighted.sum(1), share * certain, shared.sum(1).astype(np.float64)


def _direction(
    predictions: Predictions,
    observations: Observations,
    places: tuple[Array, Array],
    pairs: _Pairs,
    settings: TrackerSettings,
) -> tuple[Array, Array]:
    """Whether the way to the observation agrees with the track's, ``(P,)``, and its weight.

    After the observation-centric momentum of OC-SORT (Cao et al., CVPR 2023): 1 for the same
    direction, 0 for the opposite one. It weighs the less, the less the speed stands out from its
    uncertainty and the way from the noise of boxes.
    """
    (tracks, people), (start, there), velocity = pairs, places, predictions.velocity
    start = start - velocity * predictions.unseen_s[:, None]
    squared = _dot(velocity, velocity)
    plain = settings.direction_weight * squared / (squared + 2 * predictions.velocity_var)
    noise = 2 * (settings.box_noise * observations.sizes) ** 2
    way = there.take(people, 0) - start.take(tracks, 0)
    length, speed = _dot(way, way), squared[tracks]
    weight = plain[tracks] * length / (length + noise[people])
    along = _dot(velocity.take(tracks, 0), way)
    cosine = along / np.maximum(np.sqrt(speed * length), 1e-12)
    return (1 + cosine) / 2, weight


def _dot(first: Array, second: Array) -> Array:
    """Scalar products ``(N,)`` of vectors ``(N, 2)``."""
    product = first * second
    total: Array = product[:, 0] + product[:, 1]
    return total


def _looks(
    predictions: Predictions,
    observations: Observations,
    pairs: _Pairs,
    settings: TrackerSettings,
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Likeness ``(P,)`` of the looks of pairs, its weight (0 where unknown), and who cannot be.

    The prediction of who was lost for long is so wide that anybody near fits it; then only those
    may who look alike. Whoever is hidden from being looked at may later, or as a new track.
    """
    tracks, people = pairs
    cosine = resemblance(
        predictions.appearance.take(tracks, 0), observations.appearance.take(people, 0)
    )
    known = np.isfinite(cosine)
    value = np.where(known, likeness(cosine, settings), 0.0)
    stranger = ~predictions.followed[tracks]
    if stranger.any():
        remembered = np.isfinite(predictions.appearance).any(1).take(tracks)
        stranger &= remembered & ~(cosine >= settings.lost_looks)
    return value, settings.appearance_weight * known, stranger
