"""All that a tracker knows at one time, and how it is kept as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.skeletons import Skeleton
from steadypose.trackers.motion import Motion
from steadypose.trackers.tracks import Tracks

FORMAT = 1
"""Raised whenever the arrays change; a state of another format is refused."""

_SCALARS = ("epoch", "next_id", "pts_s", "age_s", "detected", "asked")
_WHOLE = ("ids", "hits", "misses")


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that the tracker knows at one time; replaced as a whole, never changed.

    Attributes:
        tracks: The table of tracks.
        epoch: Number of the stretch between two resets.
        next_id: The id that is given next.
        pts_s: Time of the last update in seconds; None before the first.
        age_s: Seconds since the first update after a start or a jump of the clock.
        detected: Whether a detection has been taken in since.
        asked: Whether a track asked for a detection in the last update.
    """

    tracks: Tracks
    epoch: int
    next_id: int = 1
    pts_s: float | None = None
    age_s: float = 0.0
    detected: bool = False
    asked: bool = False


def to_arrays(state: State, skeleton: Skeleton) -> dict[str, NDArray[Any]]:
    """The state as named arrays, ready for ``numpy.savez``; nothing in them is pickled."""
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT),
        "skeleton": np.array(skeleton.name),
        **{name: np.array(getattr(state, name)) for name in _SCALARS if name != "pts_s"},
        "pts_s": np.array(math.nan if state.pts_s is None else state.pts_s),
    }
    for field in fields(Tracks):
        if field.name != "motion":
            arrays[f"tracks.{field.name}"] = getattr(state.tracks, field.name).copy()
    for field in fields(Motion):
        arrays[f"motion.{field.name}"] = getattr(state.tracks.motion, field.name).copy()
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]], skeleton: Skeleton) -> State:
    """The state that :func:`to_arrays` made.

    Raises:
        InputError: Not such arrays, of another format or skeleton, or of lengths that do not fit.
    """
    if int(_array(arrays, "format", ())) != FORMAT:
        raise InputError(f"tracker state: expected format {FORMAT}, got {arrays['format']}")
    if str(_array(arrays, "skeleton", ())) != skeleton.name:
        raise InputError(
            f"tracker state: expected skeleton {skeleton.name}, got {arrays['skeleton']}"
        )
    pts_s = float(_array(arrays, "pts_s", ()))
    return State(
        _tracks(arrays, len(skeleton)),
        epoch=int(_array(arrays, "epoch", ())),
        next_id=int(_array(arrays, "next_id", ())),
        pts_s=None if math.isnan(pts_s) else pts_s,
        age_s=float(_array(arrays, "age_s", ())),
        detected=bool(_array(arrays, "detected", ())),
        asked=bool(_array(arrays, "asked", ())),
    )


def _tracks(arrays: Mapping[str, NDArray[Any]], joints: int) -> Tracks:
    count, points = len(_array(arrays, "tracks.ids", (None,))), joints + 2
    shapes: dict[str, tuple[int | None, ...]] = {
        "joint_scores": (count, joints),
        "appearance": (count, None),
        "lively": (count, 2),
    }
    table = {
        field.name: _array(
            arrays,
            f"tracks.{field.name}",
            shapes.get(field.name, (count,)),
            np.dtype(np.int64 if field.name in _WHOLE else np.float64),
        )
        for field in fields(Tracks)
        if field.name != "motion"
    }
    places = ("position", "velocity")
    motion = {
        field.name: _array(
            arrays,
            f"motion.{field.name}",
            (count, points, 2) if field.name in places else (count, points),
            np.dtype(np.float64),
        )
        for field in fields(Motion)
    }
    return Tracks(**table, motion=Motion(**motion))


def _array(
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    shape: tuple[int | None, ...],
    dtype: np.dtype[Any] | None = None,
) -> NDArray[Any]:
    """One array, copied; None in a shape is any length."""
    if name not in arrays:
        raise InputError(f"tracker state: expected an array '{name}', found none")
    array = np.array(arrays[name], dtype)
    fits = array.ndim == len(shape) and all(
        want in (None, got) for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise InputError(f"tracker state '{name}': expected shape {shape}, got {array.shape}")
    return array
