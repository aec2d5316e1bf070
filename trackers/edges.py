"""Who has left the picture comes back by its edge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.trackers.observations import Observations
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.similarity import Affinity

Array = NDArray[np.float64]
FrameSize = tuple[int, int]
"""Height and width of a picture in pixels."""

_LEAST_INSIDE = 0.5
"""Share of the predicted box of a lost track below which its person has left the picture."""
_STEP_IN = 0.5
"""How far from the edge, in person sizes, somebody may be found who has just come in."""


def checked_size(frame_size: FrameSize | None) -> FrameSize | None:
    """The size as it is. Raises InputError unless it is two numbers above 0."""
    if frame_size is not None and not min(frame_size) > 0:
        raise InputError(f"frame_size: expected height and width above 0, got {frame_size}")
    return frame_size


def may_be(tracks: Predictions, boxes: Array, frame_size: FrameSize | None) -> NDArray[np.bool_]:
    """Whether each track may be the person of each box, ``(T, M)``; all may, without a size."""
    if frame_size is None:
        return np.ones((len(tracks), len(boxes)), bool)
    return ~_have_left(tracks, frame_size)[:, None] | _at_an_edge(boxes, frame_size)


def by_the_edge(
    fit: Affinity,
    predictions: Predictions,
    observations: Observations,
    frame_size: FrameSize | None,
) -> Affinity:
    """``fit`` without the pairs of somebody who has left and somebody in the middle."""
    if frame_size is None or predictions.followed.all():
        return fit
    may = may_be(predictions, observations.boxes, frame_size)[fit.tracks, fit.people]
    return replace(fit, preference=np.where(may, fit.preference, 0.0))


def _have_left(tracks: Predictions, frame_size: FrameSize) -> NDArray[np.bool_]:
    """Lost tracks ``(T,)`` that are expected outside the picture."""
    inside = np.clip(tracks.boxes, 0, _limits(frame_size))
    share = _areas(inside) / np.maximum(_areas(tracks.boxes), 1e-9)
    return np.asarray(~tracks.followed & (share < _LEAST_INSIDE), bool)


def _at_an_edge(boxes: Array, frame_size: FrameSize) -> NDArray[np.bool_]:
    """Boxes ``(M, 4)`` so near an edge of the picture that their people may have just come in."""
    away = np.minimum(boxes[:, :2], _limits(frame_size)[:2] - boxes[:, 2:]).min(1)
    return np.asarray(away <= _STEP_IN * np.sqrt(_areas(boxes)), bool)


def _limits(frame_size: FrameSize) -> Array:
    height, width = frame_size
    return np.array([width, height, width, height], np.float64)


def _areas(boxes: Array) -> Array:
    areas: Array = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return areas
