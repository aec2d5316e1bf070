"""A smoother for files, which waits for what comes after a frame.

Rauch, Tung and Striebel's backward pass (AIAA Journal 3, 1965) over the constant-velocity filters
of ``motion``, for all points of all people at once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.poses import NO_TRACK, Poses
from steadypose.trackers.motion import Motion, begin, correct, forget, predict
from steadypose.trackers.observations import AREA_SHARE
from steadypose.trackers.smoothing import (
    SmoothingSettings,
    check_input,
    points_of,
    sizes_of,
    with_points,
)

Array = NDArray[np.float64]

_LEAST_SCORE = 0.05
"""Lower joint scores count as this in the joint's noise, which so stays finite."""

_ROUNDING_S = 1e-6
"""Differences of times are rounded by less than this."""

_START_SPEED = 3.0
"""Standard deviation of a speed that nothing is known of, person sizes/s."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One frame of the forward pass: T people, some of whom may be missing in it.

    Attributes:
        dt_s: Seconds since the step before.
        predicted: Their filters before the frame was seen.
        filtered: After it.
        before: ``(T,)`` row of each in the step before; -1 where it was not there.
        linked: ``(T, C)`` whether a point's filter goes on from the step before.
    """

    dt_s: float
    predicted: Motion
    filtered: Motion
    before: NDArray[np.intp]
    linked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A frame that waits.

    Attributes:
        pts_s: Its time in seconds.
        poses: Its people.
        named: ``(N,)`` who has an id.
        rows: Rows of these in the step.
        step: The filters.
    """

    pts_s: float
    poses: Poses
    named: NDArray[np.bool_]
    rows: NDArray[np.intp]
    step: Step


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """Everybody who was seen lately, at the time of the newest frame.

    Attributes:
        pts_s: That time in seconds.
        ids: ``(T,)`` int64.
        sizes: ``(T,)`` person sizes when last seen, pixels.
        seen_s: ``(T, C)`` when each point was last seen, seconds; -inf where never.
        motion: Their filters.
    """

    pts_s: float
    ids: NDArray[np.int64]
    sizes: Array
    seen_s: Array
    motion: Motion

    @classmethod
    def none(cls, pts_s: float, points: int) -> _People:
        nobody = np.empty(0)
        unseen = Motion.unseen(0, points)
        return cls(pts_s, nobody.astype(np.int64), nobody, np.empty((0, points)), unseen)


class FixedLag:
    """Smooths each frame by those up to ``lag_s`` after it.

    A frame is given back once one that is ``lag_s`` later has been pushed, so in a file nothing is
    late, and live everything is by that time. A jump of the clock by more than ``gap_s``, or back,
    begins everybody anew.

    Args:
        settings: Noise and lag.
    """

    def __init__(self, settings: SmoothingSettings | None = None) -> None:
        self.settings = settings or SmoothingSettings()
        self._held: deque[_Held] = deque()
        self._people: _People | None = None

    def push(self, poses: Poses, pts_s: float) -> list[Poses]:
        """See :class:`~steadypose.trackers.smoothing.Smoother`."""
        check_input(poses, pts_s)
        people, done = self._people, []
        if people is not None and not 0 < pts_s - people.pts_s <= self.settings.gap_s:
            done, people = self.flush(), None
        people = people or _People.none(pts_s, len(poses.skeleton) + 2)
        held, self._people = _forward(people, poses, pts_s, self.settings)
        self._held.append(held)
        while self._held and pts_s - self._held[0].pts_s >= self.settings.lag_s - _ROUNDING_S:
            done += self._release(1)
        return done

    def flush(self) -> list[Poses]:
        """See :class:`~steadypose.trackers.smoothing.Smoother`."""
        self._people = None
        return self._release(len(self._held))

    def _release(self, count: int) -> list[Poses]:
        """Smooth and give back the oldest ``count`` frames."""
        held = list(self._held)
        smooth = backward([each.step for each in held], count)
        done = []
        for each, points in zip(held, smooth, strict=False):
            self._held.popleft()
            shown = points_of(each.poses)
            shown[each.named] = points[each.rows]
            done.append(with_points(each.poses, shown))
        return done


def _forward(
    people: _People, whole: Poses, pts_s: float, settings: SmoothingSettings
) -> tuple[_Held, _People]:
    """Move the filters on to a frame and take it in."""
    named = whole.track_ids != NO_TRACK
    poses = whole[named]
    measured, sizes = points_of(poses), sizes_of(poses)
    count, dt_s = measured.shape[1], pts_s - people.pts_s
    lately = pts_s - people.seen_s <= settings.gap_s
    before = np.flatnonzero(lately.any(1))
    ids, rows = _joined(people.ids[before], poses.track_ids)
    fresh = len(ids) - len(before)
    known = np.concatenate([people.sizes[before], np.ones(fresh)])
    known[rows] = sizes

    old = forget(people.motion[before], ~lately[before])
    moved = _predict(old, dt_s, known[: len(before)], settings)
    predicted = moved.append(Motion.unseen(fresh, count))
    filtered, seen = _take_in(predicted, rows, measured, poses, known, settings)
    seen_s = np.concatenate([people.seen_s[before], np.full((fresh, count), -np.inf)])
    step = Step(
        dt_s=dt_s,
        predicted=predicted,
        filtered=filtered,
        before=np.concatenate([before, np.full(fresh, -1)]),
        linked=predicted.seen,
    )
    now = _People(pts_s, ids, known, np.where(seen, pts_s, seen_s), filtered)
    return _Held(pts_s, whole, named, rows, step), now


def _joined(
    known: NDArray[np.int64], here: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The known ids followed by those of ``here`` that are new, and the place of each of these."""
    ids = np.concatenate([known, here[~np.isin(here, known)]])
    order = np.argsort(ids)
    return ids, order[np.searchsorted(ids, here, sorter=order)]


def backward(steps: list[Step], count: int) -> list[Array]:
    """Smoothed points ``(T, C, 2)`` of the first ``count`` steps, given all of them.

    With the filtered state x and covariance P of a step, and x', P' as predicted for the next one:
    ``smoothed = x + P F^T P'^-1 (smoothed' - x')``.
    """
    found: list[Array] = []
    later: tuple[Array, Array] | None = None
    for number in range(len(steps) - 1, -1, -1):
        filtered = steps[number].filtered
        position, velocity = filtered.position.copy(), filtered.velocity.copy()
        if later is not None:
            _correct_by(steps[number + 1], filtered, later, position, velocity)
        later = position, velocity
        if number < count:
            found.append(position)
    return found[::-1]


def _correct_by(
    after: Step,
    filtered: Motion,
    later: tuple[Array, Array],
    position: Array,
    velocity: Array,
) -> None:
    """Add to a step's points, in place, what the smoothed next one tells of them."""
    rows = np.flatnonzero(after.before >= 0)
    mine = after.before[rows]
    was, told = filtered[mine], after.predicted[rows]
    # P F^T of the constant-velocity model, and the inverse of P'.
    a, b, c = was.position_var, was.covariance, was.velocity_var
    forward = a + after.dt_s * b, b, b + after.dt_s * c, c
    determinant = told.position_var * told.velocity_var - told.covariance**2
    linked = after.linked[rows] & (determinant > 0)
    scale = np.where(linked, 1 / np.where(linked, determinant, 1.0), 0.0)
    gains = [
        (forward[0] * told.velocity_var - forward[1] * told.covariance) * scale,
        (forward[1] * told.position_var - forward[0] * told.covariance) * scale,
        (forward[2] * told.velocity_var - forward[3] * told.covariance) * scale,
        (forward[3] * told.position_var - forward[2] * told.covariance) * scale,
    ]
    way = np.where(linked[..., None], later[0][rows] - told.position, 0.0)
    faster = np.where(linked[..., None], later[1][rows] - told.velocity, 0.0)
    position[mine] += gains[0][..., None] * way + gains[1][..., None] * faster
    velocity[mine] += gains[2][..., None] * way + gains[3][..., None] * faster


def _predict(motion: Motion, dt_s: float, sizes: Array, settings: SmoothingSettings) -> Motion:
    """Plain constant velocity: what a limb does next, the frames after will tell."""
    density = np.repeat(((settings.acceleration * sizes) ** 2)[:, None], motion.seen.shape[1], 1)
    forever = np.full(motion.seen.shape[1], np.inf)
    return predict(motion, dt_s, density, np.zeros_like(motion.position), forever)


def _take_in(
    predicted: Motion,
    rows: NDArray[np.intp],
    measured: Array,
    poses: Poses,
    sizes: Array,
    settings: SmoothingSettings,
) -> tuple[Motion, NDArray[np.bool_]]:
    """Correct by the people at ``rows``; also which points ``(T, C)`` were seen."""
    shape = predicted.position.shape
    points, noise = np.full(shape, np.nan), np.ones(shape[:2])
    points[rows] = measured
    spread = settings.joint_noise * 2 * poses.skeleton.sigmas * np.sqrt(AREA_SHARE)
    joints = spread**2 / np.maximum(poses.scores, _LEAST_SCORE)
    box = np.full((len(poses), 2), settings.box_noise**2)
    noise[rows] = np.concatenate([joints, box], 1) * sizes[rows][:, None] ** 2
    speed_var = np.repeat(((_START_SPEED * sizes) ** 2)[:, None], shape[1], 1)
    corrected = correct(predicted, points, noise)
    filtered = begin(corrected, points, noise, np.zeros(shape), speed_var)
    return filtered, np.isfinite(points[..., 0])
