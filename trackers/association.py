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
    pose that is poor beside the track's usual ones does not match it. It is no observation of a
    track that is lost for longer than ``follow_s``: nobody looked there, so it was found in the
    box of another one.

    The prediction of such a track is so wide that much is similar to it. So the pair must fit well
    in spite of what the track loses for its uncertainty.
    """
    found = observations.detected
    confirmed = predictions.confirmed
    lost = ~predictions.followed
    if lost.any():
        vague = lost[fit.tracks] & (fit.preference < settings.lost_match_preference)
        fit = replace(fit, preference=np.where(vague, 0.0, fit.preference))
    if not found.all():
        believed = _believed(predictions, observations, fit, settings)
        fit = replace(fit, preference=np.where(believed, fit.preference, 0.0))
    news = observations.held == NO_TRACK
    strong = ~found | (observations.box_scores >= settings.confident_score)
    confident = news & strong
    weak = news & ~strong & (observations.box_scores >= settings.weak_score)

    matched = _held(predictions, observations, settings)
    lately = confirmed & predictions.followed
    _assign(matched, fit, confirmed, confident, settings.match_similarity)
    _assign(matched, fit, lately, weak, settings.weak_match_similarity)
    _assign(matched, fit, ~confirmed, confident, settings.match_similarity)
    return matched


def _believed(
    predictions: Predictions, observations: Observations, fit: Affinity, settings: TrackerSettings
) -> NDArray[np.bool_]:
    """Pairs ``(P,)`` of a detected person, or of a pose that fits well the track that led to it.

    A track that is lost for longer than ``follow_s`` led to none: nobody looks there.
    """
    scores, usual = observations.pose_scores[fit.people], predictions.pose_scores[fit.tracks]
    good = (scores > 0) & (scores >= settings.poor_pose_share * usual)
    followed = good & (fit.similarity >= settings.follow_match_similarity)
    followed &= predictions.followed[fit.tracks]
    return observations.detected[fit.people] | followed


def _held(
    predictions: Predictions, observations: Observations, settings: TrackerSettings
) -> NDArray[np.intp]:
    """Held observation ``(T,)`` of each track that may be held, or ``UNMATCHED``."""
    matched = np.full(len(predictions), UNMATCHED, np.intp)
    held = (observations.held != NO_TRACK).nonzero()[0]
    if not len(held):
        return matched
    fresh = predictions.confirmed & (predictions.unseen_s <= settings.hold_s)
    same = (predictions.track_ids[:, None] == observations.held[held]) & fresh[:, None]
    tracks, people = same.nonzero()
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
    if not (tracks.any() and people.any()):
        return
    free = people.copy()
    free[matched[matched != UNMATCHED]] = False
    left = tracks & (matched == UNMATCHED)
    may = left[fit.tracks] & free[fit.people] & (fit.similarity >= least) & (fit.preference > 0)
    pairs = may.nonzero()[0]
    if not len(pairs):
        return
    wanting, wanted = fit.tracks[pairs], fit.people[pairs]
    rows, columns = np.bincount(wanting).nonzero()[0], np.bincount(wanted).nonzero()[0]
    if len(rows) == len(pairs) == len(columns):
        matched[wanting] = wanted  # nobody has a choice
        return
    gain = np.zeros((len(rows), len(columns)))
    gain[rows.searchsorted(wanting), columns.searchsorted(wanted)] = fit.preference[pairs]
    row, column = linear_sum_assignment(gain, maximize=True)
    sure = gain[row, column] > 0
    matched[rows[row[sure]]] = columns[column[sure]]
