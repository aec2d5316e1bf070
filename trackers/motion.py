"""Constant-velocity Kalman filters for all points of all tracks at once.

A track is C points in the plane (its joints, the centre and the size of its box). Each point is a
filter of its own whose state is position and velocity; x and y share one covariance because they
share their noise. So T tracks need arrays of T x C, not T x C filter objects.

Model, per axis, over a step of ``dt_s`` seconds (Bar-Shalom, Li, Kirubarajan, *Estimation with
Applications to Tracking and Navigation*, 2001: chapter 6 for constant velocity under continuous
white noise, chapter 8 for its variant with exponential memory):

    position' = position + drift dt_s + a (velocity - drift)
    velocity' = drift + e (velocity - drift)
    e = exp(-dt_s / memory_s),  a = memory_s (1 - e)

``drift`` is the velocity of the body that the point belongs to, and ``velocity - drift`` the
point's own swing. With ``memory_s`` infinite this is the plain constant-velocity model under
filterpy's ``Q_continuous_white_noise``; otherwise a limb's swing fades while nobody sees it, the
limb goes on with its body, and the noise fades alike. One long step is the same as many short ones.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SERIES_BELOW = 0.02


@dataclass(slots=True, eq=False)
class Motion:
    """State of T x C filters. Nothing here is changed in place.

    Attributes:
        position: ``(T, C, 2)`` float64, pixels; NaN where a point has not been seen.
        velocity: ``(T, C, 2)`` float64, pixels per second.
        position_var: ``(T, C)`` float64, px^2.
        covariance: ``(T, C)`` float64, of position and velocity, px^2/s.
        velocity_var: ``(T, C)`` float64, (px/s)^2.
    """

    position: Array
    velocity: Array
    position_var: Array
    covariance: Array
    velocity_var: Array

    @classmethod
    def unseen(cls, tracks: int, points: int) -> Motion:
        """Filters that have not seen anything yet."""
        shape = (tracks, points)
        return cls(
            np.full((*shape, 2), np.nan),
            np.zeros((*shape, 2)),
            np.zeros(shape),
            np.zeros(shape),
            np.zeros(shape),
        )

    @property
    def seen(self) -> NDArray[np.bool_]:
        """``(T, C)`` True where a point has a position."""
        return ~np.isnan(self.position[..., 0])

    def __getitem__(self, rows: NDArray[np.intp]) -> Motion:
        """The filters of some tracks."""
        return Motion(*(getattr(self, f.name).take(rows, 0) for f in fields(self)))

    def append(self, other: Motion) -> Motion:
        """These tracks followed by those of ``other``."""
        return Motion(
            *(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self))
        )


def predict(
    motion: Motion,
    dt_s: float,
    density: Array,
    drift: Array,
    memory_s: Array,
    kind: NDArray[np.intp] | None = None,
) -> Motion:
    """Move every point on by ``dt_s`` seconds.

    Args:
        motion: State of T x C filters.
        dt_s: Step in seconds, 0 or more; any step may differ from the one before.
        density: ``(T, C)`` spectral density of the white acceleration, px^2/s^3.
        drift: ``(T, C, 2)`` velocity of the body, px/s.
        memory_s: ``(C,)`` or ``(T, C)`` time constant in seconds of the velocity relative to
            ``drift``; may be infinite.
        kind: ``(C,)`` the column of ``density`` and ``memory_s`` that holds for each point, where
            many points share one; each has its own where not given.
    """
    if dt_s == 0:
        return motion
    step = _step(dt_s, density, memory_s)
    if kind is not None:
        step = tuple(each.take(kind, -1) for each in step)
    keep, reach, position_noise, cross_noise, velocity_noise = step
    own = motion.velocity - drift
    swing = reach * motion.velocity_var
    cross = motion.covariance + swing
    return Motion(
        motion.position + drift * dt_s + own * reach[..., None],
        drift + own * keep[..., None],
        motion.position_var + reach * (motion.covariance + cross) + position_noise,
        keep * cross + cross_noise,
        keep * keep * motion.velocity_var + velocity_noise,
    )


def _step(dt_s: float, density: Array, memory_s: Array) -> tuple[Array, ...]:
    """What a step does to a point.

    Returns:
        The share of its own velocity that is kept; the seconds that this velocity reaches; the
        process noise: variance of position, of both, of velocity.

    filterpy's noise of a constant velocity, each entry times the share that fading leaves of it in
    ``s = dt_s / memory_s`` memories. The position's share, exactly
    ``3 (s - 2 (1 - exp(-s)) + (1 - exp(-2 s)) / 2) / s^3``, cancels out for small s, where its
    series stands in. Fading is the mean of ``exp(-u)`` over u in 0..s (``once``) or 0..2 s.
    """
    steps = dt_s / memory_s
    keep = np.exp(-steps)
    once = np.divide(-np.expm1(-steps), steps, out=np.ones(steps.shape), where=steps > 0)
    twice = once * (1 + keep) / 2
    exact = 3 * (1 - 2 * once + twice) / np.maximum(steps, _SERIES_BELOW) ** 2
    series = 1 + steps * (-3 / 4 + steps * (7 / 20 + steps * (-1 / 8 + steps * 31 / 840)))
    share = np.where(steps < _SERIES_BELOW, series, exact)
    # Q_continuous_white_noise(2, dt_s), to which the tests hold it, has dt_s^3 / 3, dt_s^2 / 2 and
    # dt_s; importing filterpy takes a third of a second and brings matplotlib along.
    reach = dt_s * once
    return (
        keep,
        reach,
        density * (dt_s**3 / 3 * share),
        density * (reach * reach / 2),
        density * (dt_s * twice),
    )


def correct(motion: Motion, measured: Array, noise_var: Array) -> Motion:
    """Take in measured positions; points that were not measured stay as predicted.

    Args:
        motion: State of T x C filters.
        measured: ``(T, C, 2)`` positions in pixels; NaN where a point was not measured.
        noise_var: ``(T, C)`` variance of a measured coordinate, px^2, above 0 where measured.
    """
    innovation = measured - motion.position
    idle = ~np.isfinite(innovation[..., 0])
    innovation[idle] = 0
    total = motion.position_var + noise_var
    total[idle] = np.inf
    gain, velocity_gain = motion.position_var / total, motion.covariance / total
    return Motion(
        motion.position + gain[..., None] * innovation,
        motion.velocity + velocity_gain[..., None] * innovation,
        np.where(idle, motion.position_var, gain * noise_var),
        (1 - gain) * motion.covariance,
        motion.velocity_var - velocity_gain * motion.covariance,
    )


def begin(
    motion: Motion, measured: Array, noise_var: Array, velocity: Array, velocity_var: Array
) -> Motion:
    """Start the filters of measured points that have no position yet.

    Args:
        motion: State of T x C filters.
        measured: ``(T, C, 2)`` positions in pixels; NaN where a point was not measured.
        noise_var: ``(T, C)`` variance of a measured coordinate, px^2.
        velocity: ``(T, C, 2)`` first guess of the velocity, px/s.
        velocity_var: ``(T, C)`` variance of that guess, (px/s)^2.
    """
    new = ~motion.seen & np.isfinite(measured[..., 0])
    if not new.any():
        return motion
    return Motion(
        np.where(new[..., None], measured, motion.position),
        np.where(new[..., None], velocity, motion.velocity),
        np.where(new, noise_var, motion.position_var),
        np.where(new, 0.0, motion.covariance),
        np.where(new, velocity_var, motion.velocity_var),
    )


def forget(motion: Motion, lost: NDArray[np.bool_]) -> Motion:
    """Make points of the mask ``(T, C)`` unseen again."""
    if not lost.any():
        return motion
    return Motion(
        np.where(lost[..., None], np.nan, motion.position),
        motion.velocity,
        motion.position_var,
        motion.covariance,
        motion.velocity_var,
    )
