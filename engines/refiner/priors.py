"""Simulated temporal priors: what a tracker might hand the refiner for a person, from the truth.

A prior is ``(19, 3)``: x, y and a certainty in 0..1, where 0 means that the track does not know the
joint; all zeros mean that there is no prior. Certainty is what :func:`prior_certainty` makes of a
track's joint scores and variances, in training as in use; a wrong prior is as sure of itself as a
right one, and a stale one less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.prior_motion import (
    PREDICTED_S,
    STALE_S,
    Moved,
    draw_age,
    outdated,
    predicted,
)
from steadypose.errors import ConfigError, InputError
from steadypose.skeletons import COCO19

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_K = len(COCO19)
_TWIN = COCO19.flip_indices
_SPREADS = 2 * COCO19.sigmas
_LEAST_JOINTS = 4
_LEAST_CERTAINTY = 0.02


class PriorKind(IntEnum):
    """What a simulated prior is."""

    MISSING = 0
    """All zeros."""
    RIGHT = 1
    """The person's own track, off by what a prediction misses."""
    STALE = 2
    """The person's own pose of some frames ago."""
    SWAPPED = 3
    """Somebody else's track."""


@dataclass(frozen=True, kw_only=True)
class PriorMixture:
    """How often each kind of prior is drawn, and how often its joints are damaged.

    The first four sum to 1. Kinds that the scene does not allow (swapped, with nobody else given)
    are left out and the rest scaled up.

    Attributes:
        missing: Share of samples without a prior.
        right: Share of priors of the person's own track.
        stale: Share of priors that are some frames old.
        swapped: Share of priors that are somebody else's.
        destroyed: Share of the priors in which joints are put to wrong places.
        destroyed_joints: Share of the joints that this happens to in such a prior.
        dropped_joints: Share of all joints that the track does not know.
    """

    missing: float = 0.5
    right: float = 0.35
    stale: float = 0.075
    swapped: float = 0.075
    destroyed: float = 0.2
    destroyed_joints: float = 0.15
    dropped_joints: float = 0.06

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ConfigError(f"PriorMixture.{name}: expected 0..1, got {value}")
        if abs(self.shares.sum() - 1) > 1e-6:
            raise ConfigError(
                f"PriorMixture: missing, right, stale, swapped sum to {self.shares.sum():g}, not 1"
            )

    @property
    def shares(self) -> Array:
        """``(4,)`` shares in the order of :class:`PriorKind`."""
        return np.array([self.missing, self.right, self.stale, self.swapped])

    def always(self) -> PriorMixture:
        """The same mixture without missing priors. Raises ConfigError if nothing else is in it."""
        rest = 1 - self.missing
        if rest < 1e-6:
            raise ConfigError("PriorMixture.missing: no other kind has a share to draw from")
        return replace(
            self,
            missing=0.0,
            right=self.right / rest,
            stale=self.stale / rest,
            swapped=self.swapped / rest,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedPrior:
    """A prior and what it is.

    Attributes:
        joints: ``(19, 3)`` float32: x, y in pixels, certainty 0..1; zeros where not known.
        kind: What was simulated.
        destroyed: ``(19,)`` bool, joints that were put to a wrong place.
    """

    joints: NDArray[np.float32]
    kind: PriorKind
    destroyed: Mask


def prior_certainty(scores: Array, variance: Array, area: float | Array) -> Array:
    """Certainty of a track's joints: the score, less what the motion may have blurred.

    ``score * s^2 / (s^2 + variance)`` with ``s = 2 sigma sqrt(area)``, the spread of the joint in
    the COCO keypoint metric.

    Args:
        scores: ``(..., 19)`` joint scores in 0..1 when last seen; 0 where missing.
        variance: ``(..., 19)`` variance of each predicted coordinate, px^2; anything, NaN
            included, where missing.
        area: Area of the person as OKS takes it, px^2; ``(..., 1)`` for several.

    Returns:
        ``(..., 19)`` float64 in 0..1; 0 where missing.
    """
    spread = _SPREADS**2 * area
    known = (scores > 0) & np.isfinite(variance)
    blurred = np.where(known, variance, 0)
    return np.where(known, np.clip(scores, 0, 1) * spread / (spread + blurred), 0.0)


def simulate_prior(
    rng: np.random.Generator,
    *,
    truth: NDArray[np.floating],
    labelled: Mask,
    area: float,
    head_px: float,
    others: NDArray[np.floating],
    others_labelled: Mask,
    base: NDArray[np.floating] | None = None,
    stranger: NDArray[np.floating] | None = None,
    mixture: PriorMixture | None = None,
) -> SimulatedPrior:
    """Draw a prior for one person. Same generator state, same prior.

    Args:
        rng: Source of all chance; advanced.
        truth: ``(19, 2)`` true keypoints in pixels; of no meaning where not labelled.
        labelled: ``(19,)`` bool.
        area: Area of the person as OKS takes it, px^2, above 0.
        head_px: PCKh head length of the person in pixels, above 0.
        others: ``(M, 19, 2)`` true keypoints of the people near by; M may be 0.
        others_labelled: ``(M, 19)`` bool.
        base: ``(19, 2)`` where an estimator sees the joints, for those without a label; NaN where
            it does not.
        stranger: ``(19, 2)`` some other body, of any place and size, NaN where unknown: it is
            scaled and moved next to the person when a swapped prior is due and nobody is near.
        mixture: Shares of the kinds; the defaults of :class:`PriorMixture` where not given.

    Returns:
        The prior; a missing one for a person without any known joint.

    Raises:
        InputError: A shape, the area or the head length is wrong.
    """
    mixture = mixture or PriorMixture()
    if truth.shape != (_K, 2) or others.shape[1:] != (_K, 2) or not (area > 0 and head_px > 0):
        raise InputError(
            f"simulate_prior: expected a pose ({_K}, 2), others (M, {_K}, 2), area and head_px "
            f"above 0, got {truth.shape}, {others.shape}, {area}, {head_px}"
        )
    pose = _known(truth, labelled, base)
    wrong = _somebody_else(rng, pose, others, others_labelled, stranger)
    kind = _draw_kind(rng, mixture, swappable=wrong is not None)
    if kind is PriorKind.MISSING or not np.isfinite(pose).any():
        return _nothing()
    if kind is PriorKind.STALE:
        moved = outdated(rng, pose, head_px, draw_age(rng, STALE_S))
    else:
        start = wrong if kind is PriorKind.SWAPPED and wrong is not None else pose
        moved = predicted(rng, start, head_px, draw_age(rng, PREDICTED_S))
    return _finish(rng, moved, kind, area, mixture)


def _known(truth: NDArray[np.floating], labelled: Mask, base: NDArray[np.floating] | None) -> Array:
    rest = np.full((_K, 2), np.nan) if base is None else np.asarray(base, np.float64)
    return np.where(labelled[:, None], truth, rest)


def _nothing() -> SimulatedPrior:
    return SimulatedPrior(
        joints=np.zeros((_K, 3), np.float32), kind=PriorKind.MISSING, destroyed=np.zeros(_K, bool)
    )


def _draw_kind(rng: np.random.Generator, mixture: PriorMixture, *, swappable: bool) -> PriorKind:
    shares = mixture.shares
    if not swappable:
        shares[PriorKind.SWAPPED] = 0
    limits = shares.cumsum()
    if limits[-1] <= 0:
        return PriorKind.MISSING
    return PriorKind(int((rng.random() * limits[-1] >= limits).sum()))


def _somebody_else(
    rng: np.random.Generator,
    pose: Array,
    others: NDArray[np.floating],
    others_labelled: Mask,
    stranger: NDArray[np.floating] | None,
) -> Array | None:
    """The pose of somebody near by, else the stranger's next to ``pose``, else None."""
    usable = np.flatnonzero(others_labelled.sum(1) >= _LEAST_JOINTS)
    if len(usable):
        pick = int(rng.choice(usable))
        return np.where(others_labelled[pick][:, None], others[pick], np.nan)
    if stranger is None or np.isfinite(stranger[:, 0]).sum() < _LEAST_JOINTS:
        return None
    if not np.isfinite(pose).any():
        return None
    return _beside(rng, pose, np.asarray(stranger, np.float64))


def _beside(rng: np.random.Generator, pose: Array, stranger: Array) -> Array:
    """The stranger at about the size of ``pose``, 0.15 to 0.6 of that size away from it."""
    low, high = np.nanmin(pose, axis=0), np.nanmax(pose, axis=0)
    other_low, other_high = np.nanmin(stranger, axis=0), np.nanmax(stranger, axis=0)
    size = float(np.hypot(*(high - low)))
    scale = size / max(float(np.hypot(*(other_high - other_low))), 1e-6)
    scale *= np.exp(rng.normal(scale=0.15))
    angle, reach = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.15, 0.6)
    centre = (low + high) / 2 + reach * np.array([np.cos(angle), np.sin(angle)])
    return np.asarray(centre + scale * (stranger - (other_low + other_high) / 2))


def _finish(
    rng: np.random.Generator, moved: Moved, kind: PriorKind, area: float, mixture: PriorMixture
) -> SimulatedPrior:
    """Give the joints their certainty; drop some, destroy some."""
    # A track knows neither its motion nor its joints' quality exactly.
    scores = rng.beta(5, 2, size=_K) * rng.uniform(0.6, 1)
    variance = moved.variance * np.exp(rng.normal(scale=0.7, size=_K))
    certainty = np.maximum(prior_certainty(scores, variance, area), _LEAST_CERTAINTY)
    places, destroyed = _destroy(rng, moved.keypoints, mixture)
    # Sometimes the track has noticed.
    certainty = np.where(destroyed, certainty * rng.uniform(0.3, 1, size=_K), certainty)
    lost = ~np.isfinite(places[:, 0]) | (rng.random(_K) < mixture.dropped_joints)
    joints = np.concatenate([places, np.maximum(certainty, 0.01)[:, None]], 1)
    joints[lost] = 0
    if lost.all():
        return _nothing()
    return SimulatedPrior(joints=joints.astype(np.float32), kind=kind, destroyed=destroyed & ~lost)


def _destroy(rng: np.random.Generator, places: Array, mixture: PriorMixture) -> tuple[Array, Mask]:
    """Put joints onto their twin's place or anywhere in a box a fifth larger than the pose's."""
    share = mixture.destroyed_joints * (rng.random() < mixture.destroyed)
    known = np.isfinite(places[:, 0])
    hit = known & (rng.random(_K) < share)
    if not hit.any():
        return places, hit
    low, high = np.nanmin(places, axis=0), np.nanmax(places, axis=0)
    anywhere = low + (high - low) * rng.uniform(-0.1, 1.1, size=(_K, 2))
    twin = places[_TWIN]
    on_twin = (rng.random(_K) < 0.5) & np.isfinite(twin[:, 0]) & (np.arange(_K) != _TWIN)
    wrong = np.where(on_twin[:, None], twin, anywhere)
    return np.where(hit[:, None], wrong, places), hit
