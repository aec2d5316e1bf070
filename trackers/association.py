"""Which observation belongs to which track: similarity, gating and assignment.

The similarity of a track and an observation is a weighted mean of terms, each in 0..1; their
weights stand in :func:`affinity` alone. Observations are assigned in rounds, as in ByteTrack
(Zhang et al., arXiv 2110.06864): confident ones first, weak ones to what is left, and each round is
the optimal assignment (scipy's ``linear_sum_assignment``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.geometry import box_iou_pairs
from steadypose.poses import NO_TRACK
from steadypose.skeletons import Skeleton
from steadypose.trackers.observations import AREA_SHARE, Observations
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings

Array = NDArray[np.float64]

UNMATCHED = -1


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
    tracks, people = np.nonzero(_near(predictions, observations))
    if not len(tracks):
        return Affinity(similarity, preference)
    pose, certain_pose, shared = _pose_closeness(
        predictions, observations, tracks, people, skeleton, settings
    )
    box = settings.box_weight * box_iou_pairs(predictions.boxes[tracks], observations.boxes[people])
    # The pose counts less, the fewer joints can be compared; without any, the box decides.
    weight = (1 - settings.box_weight) * shared / (shared + settings.few_joints)
    similarity[tracks, people] = (weight * pose + box) / (weight + settings.box_weight)
    preference[tracks, people] = (weight * certain_pose + box) / (weight + settings.box_weight)
    return Affinity(similarity, preference)


def associate(
    predictions: Predictions,
    observations: Observations,
    fit: Affinity,
    settings: TrackerSettings,
) -> NDArray[np.intp]:
    """Observation ``(T,)`` of each track, or ``UNMATCHED``.

    Three rounds: confident observations to confirmed tracks, weak ones to the confirmed tracks
    that are left and were seen lately, confident ones that are left to unconfirmed tracks.

    Before them, held people are given to the tracks that they name, where those were observed no
    longer than ``hold_s`` ago; they take no part in the rounds.

    A person whom no detector found, but only the estimator in a track's predicted box, counts as
    confident; but the box fits its track by its making, so the similarity must be higher, and a
    pose that is poor beside the track's usual ones does not match it.
    """
    found = observations.detected
    usual = predictions.pose_scores[:, None]
    good = (observations.pose_scores > 0) & (
        observations.pose_scores >= settings.poor_pose_share * usual
    )
    followed = good & (fit.similarity >= settings.follow_match_similarity)
    fit = replace(fit, preference=np.where(found | followed, fit.preference, 0.0))
    news = observations.held == NO_TRACK
    confident = news & (~found | (observations.box_scores >= settings.confident_score))
    weak = news & ~confident & (observations.box_scores >= settings.weak_score)

    matched = _held(predictions, observations, settings)
    confirmed = predictions.confirmed
    lately = confirmed & predictions.followed
    _assign(matched, fit, confirmed, confident, settings.match_similarity)
    _assign(matched, fit, lately, weak, settings.weak_match_similarity)
    _assign(matched, fit, ~confirmed, confident, settings.match_similarity)
    return matched


def _held(
    predictions: Predictions, observations: Observations, settings: TrackerSettings
) -> NDArray[np.intp]:
    """Held observation ``(T,)`` of each track that may be held, or ``UNMATCHED``."""
    matched = np.full(len(predictions), UNMATCHED, np.intp)
    held = np.flatnonzero(observations.held != NO_TRACK)
    fresh = predictions.confirmed & (predictions.unseen_s <= settings.hold_s)
    same = (predictions.track_ids[:, None] == observations.held[held]) & fresh[:, None]
    tracks, people = np.nonzero(same)
    matched[tracks] = held[people]
    return matched


def _assign(
    matched: NDArray[np.intp],
    fit: Affinity,
    tracks: NDArray[np.bool_],
    people: NDArray[np.bool_],
    least: float,
) -> None:
    """Assign what is free of ``people`` to what is free of ``tracks``, into ``matched``."""
    free = people.copy()
    free[matched[matched != UNMATCHED]] = False
    rows, columns = np.flatnonzero(tracks & (matched == UNMATCHED)), np.flatnonzero(free)
    if not len(rows) or not len(columns):
        return
    part = np.ix_(rows, columns)
    gain = np.where(fit.similarity[part] >= least, fit.preference[part], 0.0)
    row, column = linear_sum_assignment(gain, maximize=True)
    sure = gain[row, column] > 0
    matched[rows[row[sure]]] = columns[column[sure]]


def _near(predictions: Predictions, observations: Observations) -> NDArray[np.bool_]:
    """Pairs ``(T, M)`` whose centres are within the gate; the others are not looked at."""
    slack = predictions.sizes + 2 * np.sqrt(predictions.centre_var)
    reach = slack[:, None] + observations.sizes[None]
    near = np.ones(reach.shape, bool)
    for low, high in ((0, 2), (1, 3)):
        first = (predictions.boxes[:, low] + predictions.boxes[:, high]) / 2
        second = (observations.boxes[:, low] + observations.boxes[:, high]) / 2
        near &= np.abs(first[:, None] - second[None]) <= reach
    return near


def _pose_closeness(
    predictions: Predictions,
    observations: Observations,
    tracks: NDArray[np.intp],
    people: NDArray[np.intp],
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> tuple[Array, Array, Array]:
    """OKS ``(P,)`` with spreads widened by the predicted uncertainty, for pairs.

    Joints weigh as much as their observed score.

    Returns:
        The closeness; the same where each joint's is scaled by its certainty,
        ``(spread^2 / (spread^2 + variance)) ** certainty_power``; the number of shared joints.
    """
    sizes = np.sqrt(predictions.sizes[tracks] * observations.sizes[people])[:, None]
    spread_var = AREA_SHARE * (settings.pose_tolerance * 2 * skeleton.sigmas * sizes) ** 2
    total_var = spread_var + predictions.keypoint_var[tracks]
    way = predictions.keypoints[tracks] - observations.keypoints[people]
    squared = way[..., 0] ** 2 + way[..., 1] ** 2
    shared = np.isfinite(squared)
    closeness = np.where(shared, np.exp(-squared / (2 * total_var)), 0.0)
    certainty = np.where(shared, (spread_var / total_var) ** settings.certainty_power, 0.0)
    weight = np.where(shared, observations.scores[people], 0.0)
    weight /= np.maximum(weight.sum(1, keepdims=True), 1e-12)
    weighted = weight * closeness
    return weighted.sum(1), (weighted * certainty).sum(1), shared.sum(1).astype(np.float64)
