"""Smoother poses for display and export; the tracker itself never sees them.

A person's points are the K joints and the centre and size of the box. Each is smoothed by itself,
under its id. A point that was missing for longer than ``gap_s`` begins anew, and so does everybody
after a jump of the clock: nothing is smoothed over a gap or from one id to another. What is missing
in a frame stays missing in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import ConfigError, InputError
from steadypose.poses import NO_TRACK, Poses

Array = NDArray[np.float64]

KINDS = ("off", "one-euro", "fixed-lag")
"""Names of the smoothers; ``off`` is none."""


@dataclass(frozen=True, kw_only=True)
class SmoothingSettings:
    """How much is smoothed; lengths are in person sizes, the root of the area of the box.

    Attributes:
        min_cutoff_hz: One-Euro: cutoff for a point at rest; lower is smoother and later.
        beta: One-Euro: by how much the cutoff rises with speed, Hz for each person size/s; higher
            lags less behind fast motion.
        speed_cutoff_hz: One-Euro: cutoff for the speed itself.
        lag_s: Fixed lag: how much of what comes after a frame is waited for, seconds.
        joint_noise: Fixed lag: standard deviation of a joint, in units of its OKS spread.
        box_noise: Fixed lag: standard deviation of the box's centre and size, person sizes.
        acceleration: Fixed lag: root of the spectral density of the white acceleration, person
            sizes per s^1.5; lower is smoother.
        gap_s: Seconds missing after which a point begins anew.

    Raises:
        ConfigError: A value is not a number above 0 (``beta`` and ``lag_s`` may be 0).
    """

    min_cutoff_hz: float = 1.0
    beta: float = 3.0
    speed_cutoff_hz: float = 1.0
    lag_s: float = 0.3
    joint_noise: float = 0.4
    box_noise: float = 0.05
    acceleration: float = 3.0
    gap_s: float = 0.25

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            low = field.name not in ("beta", "lag_s")
            if not number or not math.isfinite(value) or value < 0 or (low and value == 0):
                wanted = "above 0" if low else "of 0 or more"
                raise ConfigError(
                    f"smoothing setting '{field.name}': expected a number {wanted}, got {value}"
                )


class Smoother(Protocol):
    """Takes the tracked people of every frame in turn and gives them back smoothed, in order.

    People without an id come back as they are.
    """

    def push(self, poses: Poses, pts_s: float) -> list[Poses]:
        """Take a frame's people; the frames that are done now, the oldest first, often one.

        Raises:
            InputError: ``pts_s`` is not finite, or two people have the same id.
        """
        ...

    def flush(self) -> list[Poses]:
        """The frames that are still held, the oldest first; then forget everybody."""
        ...


def make_smoother(kind: str, settings: SmoothingSettings | None = None) -> Smoother | None:
    """A smoother without memory for one source; None for ``off``.

    Raises:
        ConfigError: No such kind.
    """
    settings = settings or SmoothingSettings()
    if kind == "one-euro":
        return OneEuro(settings)
    if kind == "fixed-lag":
        from steadypose.trackers.fixed_lag import FixedLag

        return FixedLag(settings)
    if kind != "off":
        raise ConfigError(f"output.smooth: expected one of {', '.join(KINDS)}, got {kind}")
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Memory:
    """T people as they were last shown.

    Attributes:
        ids: ``(T,)`` int64, ascending.
        points: ``(T, K + 2, 2)`` pixels, smoothed; NaN where never seen.
        speeds: ``(T, K + 2, 2)`` person sizes/s, smoothed.
        seen_s: ``(T, K + 2)`` time at which each point was last seen, seconds; -inf where never.
    """

    ids: NDArray[np.int64]
    points: Array
    speeds: Array
    seen_s: Array

    @classmethod
    def none(cls, points: int) -> _Memory:
        return cls(
            np.empty(0, np.int64),
            np.empty((0, points, 2)),
            np.empty((0, points, 2)),
            np.empty((0, points)),
        )


class OneEuro:
    """The One-Euro filter (Casiez, Roussel and Vogel, CHI 2012), for all points at once.

    A low-pass filter whose cutoff rises with speed: little jitter at rest, little lag in motion.
    Speed is the length of the point's velocity, so that directions are alike. Time is in seconds,
    and steps may vary. Every frame is done as soon as it is pushed.

    Args:
        settings: Cutoffs.
    """

    def __init__(self, settings: SmoothingSettings | None = None) -> None:
        self.settings = settings or SmoothingSettings()
        self._memory: _Memory | None = None

    def push(self, poses: Poses, pts_s: float) -> list[Poses]:
        """See :class:`Smoother`; gives back that frame.

        Where time stands still or goes back, everybody begins anew.
        """
        check_input(poses, pts_s)
        points, named = points_of(poses), poses.track_ids != NO_TRACK
        points[named] = self._smooth(poses[named], pts_s)
        return [with_points(poses, points)]

    def _smooth(self, poses: Poses, pts_s: float) -> Array:
        """Points ``(N, K + 2, 2)`` to be shown of people with ids, which are remembered."""
        now = points_of(poses)
        old = self._memory or _Memory.none(now.shape[1])
        before = _rows_of(poses.track_ids, old)
        elapsed = pts_s - before.seen_s
        goes_on = (elapsed > 0) & (elapsed <= self.settings.gap_s) & np.isfinite(now[..., 0])
        smooth, speeds = self._filtered(now, before, np.where(goes_on, elapsed, 1.0), poses)
        shown = np.where(goes_on[..., None], smooth, now)
        speeds = np.where(goes_on[..., None], speeds, 0.0)
        self._remember(old, before, poses.track_ids, shown, speeds, pts_s)
        return shown

    def flush(self) -> list[Poses]:
        """See :class:`Smoother`; holds no frames."""
        self._memory = None
        return []

    def _filtered(
        self, now: Array, before: _Memory, dt_s: Array, poses: Poses
    ) -> tuple[Array, Array]:
        """Points and speeds ``(N, K + 2, 2)``, right where the point goes on."""
        settings = self.settings
        sizes = sizes_of(poses)[:, None, None]
        step = now - before.points
        rate = _share(dt_s, settings.speed_cutoff_hz)[..., None]
        speeds = before.speeds + rate * (step / (dt_s[..., None] * sizes) - before.speeds)
        cutoff = settings.min_cutoff_hz + settings.beta * np.hypot(speeds[..., 0], speeds[..., 1])
        return before.points + _share(dt_s, cutoff)[..., None] * step, speeds

    def _remember(
        self,
        old: _Memory,
        before: _Memory,
        ids: NDArray[np.int64],
        shown: Array,
        speeds: Array,
        pts_s: float,
    ) -> None:
        """Keep what is shown now, and what was shown lately of the points that are missing."""
        seen = np.isfinite(shown[..., 0])
        seen_s = np.where(seen, pts_s, before.seen_s)
        kept = ~np.isin(old.ids, ids)
        kept &= np.abs(pts_s - old.seen_s).min(1, initial=np.inf) <= self.settings.gap_s
        whole = (
            np.concatenate([old.ids[kept], ids]),
            np.concatenate([old.points[kept], np.where(seen[..., None], shown, before.points)]),
            np.concatenate([old.speeds[kept], np.where(seen[..., None], speeds, before.speeds)]),
            np.concatenate([old.seen_s[kept], seen_s]),
        )
        order = np.argsort(whole[0])
        self._memory = _Memory(*(part[order] for part in whole))


def _share(dt_s: Array, cutoff_hz: Array | float) -> Array:
    """Share of the newest value in a low-pass filter of first order."""
    turn: Array = 2 * np.pi * cutoff_hz * dt_s
    return turn / (1 + turn)


def _rows_of(ids: NDArray[np.int64], memory: _Memory) -> _Memory:
    """What is remembered of the people ``ids``, in their order; never seen where nothing is."""
    n, points = len(ids), memory.points.shape[1]
    found = _Memory(
        ids,
        np.full((n, points, 2), np.nan),
        np.zeros((n, points, 2)),
        np.full((n, points), -np.inf),
    )
    if len(memory.ids):
        place = np.minimum(np.searchsorted(memory.ids, ids), len(memory.ids) - 1)
        known = memory.ids[place] == ids
        for name in ("points", "speeds", "seen_s"):
            getattr(found, name)[known] = getattr(memory, name)[place[known]]
    return found


def check_input(poses: Poses, pts_s: float) -> None:
    """Raise InputError unless the time is finite and nobody has the id of another."""
    if not math.isfinite(pts_s):
        raise InputError(f"pts_s: expected a finite time in seconds, got {pts_s}")
    ids = poses.track_ids[poses.track_ids != NO_TRACK]
    if len(np.unique(ids)) < len(ids):
        raise InputError("poses: an id occurs twice in one frame")


def points_of(poses: Poses) -> Array:
    """Points ``(N, K + 2, 2)`` in pixels: joints (NaN where missing), the box's centre and size."""
    joints = np.where(poses.present[..., None], poses.keypoints.astype(np.float64), np.nan)
    low, high = poses.boxes[:, None, :2].astype(np.float64), poses.boxes[:, None, 2:]
    return np.concatenate([joints, (low + high) / 2, high - low], 1)


def sizes_of(poses: Poses) -> Array:
    """Person sizes ``(N,)`` in pixels, 1 at least, so that boxes without area do no harm."""
    sides = np.maximum(poses.boxes[:, 2:] - poses.boxes[:, :2], 0).astype(np.float64)
    sizes: Array = np.maximum(np.sqrt(sides[:, 0] * sides[:, 1]), 1.0)
    return sizes


def with_points(poses: Poses, points: Array) -> Poses:
    """The same people with joints and boxes from ``(N, K + 2, 2)``; missing joints stay missing."""
    joints = np.where(poses.present[..., None], points[:, :-2], poses.keypoints)
    centre, half = points[:, -2], np.maximum(points[:, -1], 0) / 2
    boxes = np.concatenate([centre - half, centre + half], 1)
    return replace(poses, keypoints=joints.astype(np.float32), boxes=boxes.astype(np.float32))


def smooth_all(frames: Sequence[tuple[float, Poses]], smoother: Smoother) -> list[Poses]:
    """All frames of a clip, ``(pts_s, poses)`` each, smoothed; ends with ``flush``."""
    done = [poses for pts_s, people in frames for poses in smoother.push(people, pts_s)]
    return done + smoother.flush()
