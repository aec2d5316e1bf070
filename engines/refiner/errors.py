"""Synthetic pose errors: true poses made wrong in the ways in which pose estimators are wrong.

After PoseFix (Moon, Chang, Lee, CVPR 2019). How far an error goes is measured by KS, the
similarity of one joint in the COCO keypoint metric: ``KS = exp(-d^2 / (2 area (2 sigma)^2))``, so
``d_k``, the distance at which KS is k, is ``2 sigma sqrt(-2 area ln k)``.

========== =============================================================== ==================
kind       anchor                                                          distance to it
========== =============================================================== ==================
good       the true place                                                  0 to d_0.85
jitter     the true place                                                  d_0.85 to d_0.5
miss       the true place, the twin's, or a neighbour's same or twin joint d_0.5 to d_0.1
inversion  the left-right twin's place                                     0 to d_0.5
swap       a neighbour's same or twin joint                                0 to d_0.5
========== =============================================================== ==================

An erroneous joint is never nearer to another of these anchors than to its own; what looks like
one kind of error is not counted as another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.error_table import (
    DRAWN,
    ErrorKind,
    count_visible,
    draw_kinds,
    error_probabilities,
)
from steadypose.errors import InputError
from steadypose.geometry import box_iou
from steadypose.skeletons import COCO19

__all__ = ["ErrorKind", "SynthesisedPose", "ks_distance", "synthesise"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

KS_RANGES: Array = np.array([[1.0, 0.85], [0.85, 0.5], [0.5, 0.1], [1.0, 0.5], [1.0, 0.5]])
"""``(5, 2)``: KS at the least and at the greatest distance, in the order of ``ErrorKind``."""

OVERLAP_IOU = 0.1
"""A neighbour overlaps where the boxes around both people's joints have more than this IoU."""

_TRIES = 12
_DIRECTIONS = np.linspace(0, 2 * np.pi, 64, endpoint=False)
_TWIN = COCO19.flip_indices
_HAS_TWIN = np.isin(np.arange(len(COCO19)), COCO19.flip_pairs)


@dataclass(frozen=True, kw_only=True, eq=False)
class SynthesisedPose:
    """A pose with synthetic errors.

    Attributes:
        keypoints: ``(19, 2)`` float32 pixels; NaN where a joint is missing.
        kinds: ``(19,)`` int64 values of :class:`ErrorKind`.
    """

    keypoints: NDArray[np.float32]
    kinds: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Anchors:
    """Places ``(J, 2 + 2 M, 2)`` that J joints may be taken for; inf where there is none.

    Columns: the true place, the twin's, M neighbours' same joint, M neighbours' twin joint.
    """

    places: Array

    @property
    def known(self) -> Mask:
        return np.isfinite(self.places[..., 0])

    def nearest(self, points: Array, reach: Array) -> Mask:
        """``(J, T)``: no anchor is nearer to ``(J, T, 2)`` points than ``(J, T)`` their own."""
        way_x = points[:, :, None, 0] - self.places[:, None, :, 0]
        way_y = points[:, :, None, 1] - self.places[:, None, :, 1]
        # The own anchor is among them: a hair of slack for its rounding.
        closest: Array = (way_x**2 + way_y**2).min(2)
        slack = 1e-12 * (1 + np.abs(points).max(2)) ** 2
        return np.asarray(closest >= reach**2 - slack)


def ks_distance(ks: float | Array, area: float, sigmas: NDArray[np.floating]) -> Array:
    """Distance in pixels at which a joint's similarity KS is ``ks``.

    Args:
        ks: In 0..1, above 0; anything that broadcasts with ``sigmas``.
        area: Area of the person as OKS takes it, px^2.
        sigmas: Per-joint OKS sigmas.
    """
    return np.asarray(2 * sigmas * np.sqrt(-2 * area * np.log(ks)), np.float64)


def synthesise(
    rng: np.random.Generator,
    truth: NDArray[np.floating],
    labelled: Mask,
    area: float,
    neighbours: NDArray[np.floating],
    neighbours_labelled: Mask,
    base: NDArray[np.floating] | None = None,
) -> SynthesisedPose:
    """Draw a plausible wrong estimate of one person. Same generator state, same pose.

    Where no place keeps the rules of the drawn kind, the joint becomes a good one.

    Args:
        rng: Source of all chance; advanced.
        truth: ``(19, 2)`` true keypoints in pixels; of no meaning where not labelled.
        labelled: ``(19,)`` bool.
        area: Area of the person as OKS takes it, px^2, above 0.
        neighbours: ``(M, 19, 2)`` true keypoints of the people near enough to be taken for this
            one (those in the same crop), pixels; M may be 0.
        neighbours_labelled: ``(M, 19)`` bool.
        base: ``(19, 2)`` where an estimator sees the joints, for those without a label; NaN
            where it does not. It is taken over as it is, being an estimate already.

    Raises:
        InputError: A shape or the area is wrong, or a labelled joint is not finite.
    """
    people = _stack(truth, labelled, neighbours, neighbours_labelled)
    if not area > 0:
        raise InputError(f"area: expected px^2 above 0, got {area}")
    keypoints = people[0].copy()
    if base is not None:
        keypoints[~labelled] = np.asarray(base, np.float64)[~labelled]
    joints = np.flatnonzero(labelled)
    kinds = np.where(np.isfinite(keypoints[:, 0]), ErrorKind.BASE, ErrorKind.MISSING).astype(int)
    if len(joints):
        anchors = _anchors(keypoints, people[1:], joints)
        drawn = _draw_kinds(rng, labelled, anchors, _overlaps(people), joints)
        limits = ks_distance(KS_RANGES[drawn], area, COCO19.sigmas[joints, None])
        keypoints[joints], kinds[joints] = _place(rng, anchors, drawn, limits)
    return SynthesisedPose(keypoints=keypoints.astype(np.float32), kinds=kinds)


def _stack(
    truth: NDArray[np.floating],
    labelled: Mask,
    neighbours: NDArray[np.floating],
    neighbours_labelled: Mask,
) -> Array:
    """``(1 + M, 19, 2)``: the person and the neighbours; NaN where not labelled."""
    size = len(COCO19)
    shapes = (truth.shape, labelled.shape, neighbours.shape[1:], neighbours_labelled.shape[1:])
    if shapes != ((size, 2), (size,), (size, 2), (size,)) or len(neighbours) != len(
        neighbours_labelled
    ):
        raise InputError(
            f"synthesise: expected a pose ({size}, 2), neighbours (M, {size}, 2) and their masks, "
            f"got {truth.shape}, {labelled.shape}, {neighbours.shape}, {neighbours_labelled.shape}"
        )
    people = np.concatenate([truth[None], neighbours]).astype(np.float64)
    people[~np.concatenate([labelled[None], neighbours_labelled])] = np.nan
    if not np.isfinite(people[0, labelled]).all():
        raise InputError("truth: a labelled joint is not finite; take its label away")
    return people


def _overlaps(people: Array) -> int:
    """How many of the others overlap the first of ``(1 + M, 19, 2)`` people."""
    known = np.isfinite(people[..., :1])
    low = np.where(known, people, np.inf).min(1)
    high = np.where(known, people, -np.inf).max(1)
    boxes = np.concatenate([low, high], 1)[np.isfinite(low[:, 0])]
    return int((box_iou(boxes[:1], boxes[1:]) > OVERLAP_IOU).sum())


def _anchors(pose: Array, others: Array, joints: NDArray[np.intp]) -> _Anchors:
    twin = np.where(_HAS_TWIN[:, None], pose[_TWIN], np.nan)
    twins = np.where(_HAS_TWIN[:, None], others[:, _TWIN], np.nan)
    places = np.concatenate([pose[None], twin[None], others, twins])[:, joints]
    return _Anchors(places=np.where(np.isnan(places), np.inf, places).swapaxes(0, 1))


def _draw_kinds(
    rng: np.random.Generator,
    labelled: Mask,
    anchors: _Anchors,
    overlaps: int,
    joints: NDArray[np.intp],
) -> NDArray[np.intp]:
    has_twin, has_neighbour = np.zeros((2, len(COCO19)), bool)
    known = anchors.known
    has_twin[joints], has_neighbour[joints] = known[:, 1], known[:, 2:].any(1)
    table = error_probabilities(count_visible(labelled), overlaps, has_twin, has_neighbour)
    return draw_kinds(rng, table[joints])


def _choose(rng: np.random.Generator, anchors: _Anchors, kinds: NDArray[np.intp]) -> Array:
    """``(J, 2)``: for each joint one of the anchors that its kind may use, all equally likely."""
    known = anchors.known
    allowed = np.zeros((DRAWN, known.shape[1]), bool)
    allowed[[ErrorKind.GOOD, ErrorKind.JITTER], 0] = True
    allowed[ErrorKind.MISS] = True
    allowed[ErrorKind.INVERSION, 1] = True
    allowed[ErrorKind.SWAP, 2:] = True
    lots = np.where(allowed[kinds] & known, rng.random(known.shape), -1)
    chosen: Array = anchors.places[np.arange(len(kinds)), lots.argmax(1)]
    return chosen


def _place(
    rng: np.random.Generator, anchors: _Anchors, kinds: NDArray[np.intp], limits: Array
) -> tuple[Array, NDArray[np.intp]]:
    """Places ``(J, 2)`` within ``(J, 2)`` limits of their anchors, and the kinds that came out."""
    own = _choose(rng, anchors, kinds)
    lots = rng.random((2, len(kinds), _TRIES))
    reach = limits[:, :1] + (limits[:, 1:] - limits[:, :1]) * lots[0]
    placed, done = _first_clear(anchors, own, reach, 2 * np.pi * lots[1])
    if done.all():
        return placed, kinds
    return _fall_back(anchors, own, kinds, limits, placed, done)


def _first_clear(anchors: _Anchors, own: Array, reach: Array, angle: Array) -> tuple[Array, Mask]:
    """The first of T candidates ``(J, T)`` that keeps its anchor nearest, and whether any does."""
    way = np.stack([np.cos(angle), np.sin(angle)], -1) * reach[..., None]
    points = own[:, None] + way
    clear = anchors.nearest(points, reach)
    return points[np.arange(len(own)), clear.argmax(1)], np.asarray(clear.any(1))


def _fall_back(
    anchors: _Anchors,
    own: Array,
    kinds: NDArray[np.intp],
    limits: Array,
    placed: Array,
    done: Mask,
) -> tuple[Array, NDArray[np.intp]]:
    """Settle the joints that chance did not: as near to the anchor as the kind may be.

    That is on it, or at the inner limit in the first of 64 directions that is clear. If none is,
    the joint becomes a good one at its true place.
    """
    open_rows = np.flatnonzero(~done)
    few = _Anchors(places=anchors.places[open_rows])
    inner = limits[open_rows, :1] + 0.01 * np.diff(limits[open_rows]) * (limits[open_rows, :1] > 0)
    reach = np.repeat(inner, len(_DIRECTIONS), 1)
    angle = np.broadcast_to(_DIRECTIONS, reach.shape)
    found, clear = _first_clear(few, own[open_rows], reach, angle)
    placed, kinds = placed.copy(), kinds.copy()
    placed[open_rows] = np.where(clear[:, None], found, few.places[:, 0])
    kinds[open_rows] = np.where(clear, kinds[open_rows], ErrorKind.GOOD)
    return placed, kinds
