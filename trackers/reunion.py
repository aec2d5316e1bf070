"""Lost people who come back where their prediction did not expect them: re-identification."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.trackers.appearance import resemblance
from steadypose.trackers.association import UNMATCHED
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings
from steadypose.trackers.similarity import centres, likeness

Array = NDArray[np.float64]

_LEAST_FIT = float(np.exp(-2))
"""A pair at two standard deviations in all, with looks that are neither like nor unlike."""


def reunite(
    lost: Predictions, new: Predictions, may: NDArray[np.bool_], settings: TrackerSettings
) -> NDArray[np.intp]:
    """Which of the new tracks, about to be confirmed, continues each lost one, ``(T,)``.

    The limits are wider than those of association, because more is known: a new track has been
    seen several times, so it is no false alarm, and no other track has claimed it. A lost person
    may have changed the speed, so what counts is the distance from the prediction in what may be
    walked since, and that the size has hardly changed; where looks are known on both sides, they
    must not be those of strangers, and may make up for distance.

    Args:
        lost: Confirmed tracks that are not seen.
        new: Tracks of the same moment without an id.
        may: ``(T, N)`` which pairs come into question.
        settings: Thresholds.

    Returns:
        Row of ``new`` for each of ``lost``, or ``UNMATCHED``; one to one.
    """
    matched = np.full(len(lost), UNMATCHED, np.intp)
    if not len(lost) or not len(new):
        return matched
    fit = np.where(may, _fit(lost, new, settings), 0.0)
    gain = np.where(fit >= _LEAST_FIT, fit, 0.0)
    row, column = linear_sum_assignment(gain, maximize=True)
    sure = gain[row, column] > 0
    matched[row[sure]] = column[sure]
    return matched


def _fit(lost: Predictions, new: Predictions, settings: TrackerSettings) -> Array:
    unit = np.sqrt(lost.sizes[:, None] * new.sizes)
    way = centres(lost.boxes)[:, None] - centres(new.boxes)
    reach = settings.reunion_reach + settings.reunion_speed * lost.unseen_s[:, None]
    distance = np.hypot(way[..., 0], way[..., 1]) / unit / reach
    growth = np.log(lost.sizes[:, None] / new.sizes) / settings.reunion_growth
    fit = np.exp(-(distance**2 + growth**2) / 2)
    rows, columns = np.indices(fit.shape).reshape(2, -1)
    cosine = resemblance(lost.appearance[rows], new.appearance[columns]).reshape(fit.shape)
    fit = np.where(np.isfinite(cosine), fit * 2 * likeness(np.nan_to_num(cosine), settings), fit)
    return np.where(cosine < settings.lost_looks, 0.0, fit)
