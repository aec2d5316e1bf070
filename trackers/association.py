"""Which observation belongs to which track: gating and assignment.

Observations are assigned in rounds, as in ByteTrack (Zhang et al., arXiv 2110.06864): confident
ones first, weak ones to what is left, and each round is the optimal assignment (scipy's
``linear_sum_assignment``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.poses import NO_TRACK
from steadypose.trackers.observations import Observations
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings
from steadypose.trackers.similarity import Affinity

UNMATCHED = -1


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
