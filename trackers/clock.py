"""Moves the tracker's state on to the time of a frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steadypose.errors import InputError
from steadypose.trackers.camera import checked, moved_with
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings
from steadypose.trackers.state import State
from steadypose.trackers.tracks import Tracks, moved, predictions_of


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """A state moved on to a time.

    Attributes:
        since: The state before.
        pts_s: The time in seconds.
        camera: Bytes of the camera's motion; none where it stands.
        state: The state at that time.
        expected: What it expects to see.
    """

    since: State
    pts_s: float
    camera: bytes
    state: State
    expected: Predictions


def ahead(
    state: State,
    pts_s: float,
    camera: ArrayLike | None,
    settings: TrackerSettings,
    known: Ahead | None,
) -> Ahead:
    """``state`` at ``pts_s`` seconds; see ``PoseTracker`` about the clock.

    Predicting, matching and updating at one time does the work once: ``known``, where it is that.

    Raises:
        InputError: ``pts_s`` is not finite, or ``camera`` is no camera motion.
    """
    if not math.isfinite(pts_s):
        raise InputError(f"pts_s: expected a finite time in seconds, got {pts_s}")
    affine = None if camera is None else checked(camera)
    seen = b"" if affine is None else affine.tobytes()
    if known and known.since is state and known.pts_s == pts_s and known.camera == seen:
        return known
    later = _moved_on(state, pts_s, affine, settings)
    expected = predictions_of(later.tracks, pts_s, later.epoch, settings)
    return Ahead(state, pts_s, seen, later, expected)


def _moved_on(
    state: State, pts_s: float, affine: NDArray[np.float64] | None, settings: TrackerSettings
) -> State:
    if state.pts_s is None:
        return replace(state, pts_s=pts_s)
    step = pts_s - state.pts_s
    if abs(step) > settings.lost_s:
        tracks = Tracks.none(state.tracks.joint_scores.shape[1])
        return State(tracks, state.epoch, state.next_id, pts_s)
    step = max(step, 0.0)
    tracks = moved(state.tracks, step, settings)
    if affine is not None:
        tracks = replace(tracks, motion=moved_with(tracks.motion, affine))
    return State(
        tracks,
        state.epoch,
        state.next_id,
        pts_s,
        age_s=state.age_s + step,
        detected=state.detected,
        asked=state.asked,
    )
