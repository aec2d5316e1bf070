"""What is wrong with a joint: miss, inversion, swap.

After Ronchi and Perona, "Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation"
(arXiv 1707.05388): a joint's keypoint similarity to a place is ``exp(-d^2 / (2 s^2 (2 sigma)^2))``
with ``s^2`` the person's area, and it is near a place where that is at least 0.5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.people import People
from steadypose.engines.refiner.data.records import RIGHT_WITHIN
from steadypose.skeletons import COCO19

Mask = NDArray[np.bool_]
Points = NDArray[np.floating]

NEAR = 0.5
"""Keypoint similarity from which on a joint is near a place."""
TORSO_SHARE = 0.2
"""Share of the torso within which a joint is right (PCK@0.2)."""
TWIN = COCO19.flip_indices
PAIRED = np.arange(len(COCO19)) != TWIN
_LEFT_SHOULDER, _RIGHT_HIP = COCO19.index("left_shoulder"), COCO19.index("right_hip")


def distances(found: Points, places: Points) -> NDArray[np.float64]:
    """``(P, K)`` pixels between joints ``(P, K, 2 or 3)`` and places ``(P, K, 2)``."""
    way = np.asarray(found, np.float64)[..., :2] - places
    return np.asarray(np.hypot(way[..., 0], way[..., 1]))


def right(found: Points, people: People) -> Mask:
    """``(P, K)``: within half a head length of the truth, and not missing."""
    near = distances(found, people.truth) <= RIGHT_WITHIN * people.head[:, None]
    return near & (found[..., 2] > 0)


def right_by_torso(found: Points, people: People) -> tuple[Mask, Mask]:
    """PCK@0.2: which joints ``(P, K)`` are right, and of which it can be said.

    The torso is the distance of left shoulder and right hip; people without both are left out.
    """
    torso = distances(people.truth[:, [_LEFT_SHOULDER]], people.truth[:, [_RIGHT_HIP]])
    known = people.labelled[:, _LEFT_SHOULDER] & people.labelled[:, _RIGHT_HIP]
    hit = distances(found, people.truth) <= TORSO_SHARE * torso
    return hit & (found[..., 2] > 0), people.labelled & (known & (torso[:, 0] > 0))[:, None]


class Confused(NamedTuple):
    """Joints taken for other ones, ``(P, K)`` each.

    Attributes:
        any: Nearer to the other joint's true place, and near it.
        clear: Those of them that are not near their own place.
        among: Joints of which it can be said.
    """

    any: Mask
    clear: Mask
    among: Mask


def inverted(found: Points, people: People) -> Confused:
    """Joints taken for the same person's joint of the other side."""
    among = people.labelled & people.labelled[:, TWIN] & PAIRED & (found[..., 2] > 0)
    own = distances(found, people.truth)
    other = distances(found, people.truth[:, TWIN])
    near = _near_px(people.area)
    hit = among & (other < own) & (other <= near)
    return Confused(any=hit, clear=hit & (own > near), among=among)


def swapped(found: Points, people: People) -> Confused:
    """Joints taken for the same joint, or that of the other side, of somebody else near by.

    Nearer to it than to both of the person's own joints of this name.
    """
    near = _near_px(people.area)
    own = distances(found, people.truth)
    twin = distances(found, people.truth[:, TWIN])
    twin[~people.labelled[:, TWIN]] = np.inf
    theirs = _nearest_of_others(found, people)
    among = people.labelled & (found[..., 2] > 0)
    hit = among & (theirs < np.minimum(own, twin)) & (theirs <= near)
    return Confused(any=hit, clear=hit & (own > near), among=among)


def _near_px(area: NDArray[np.floating]) -> NDArray[np.float64]:
    """``(P, K)`` distance at which the similarity is ``NEAR``."""
    reach = 2 * COCO19.sigmas * np.sqrt(-2 * np.log(NEAR))
    return np.asarray(np.sqrt(area)[:, None] * reach, np.float64)


def _nearest_of_others(found: Points, people: People) -> NDArray[np.float64]:
    """``(P, K)`` distance to the nearest other person's joint of the name, of either side."""
    nearest = np.full(found.shape[:2], np.inf)
    for row, (points, known) in enumerate(zip(people.others, people.others_labelled, strict=True)):
        for order in (np.arange(len(TWIN)), TWIN):
            away = distances(found[row][None], points[:, order])
            away[~known[:, order]] = np.inf
            nearest[row] = np.minimum(nearest[row], away.min(0, initial=np.inf))
    return nearest
