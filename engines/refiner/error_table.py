"""How often pose estimators make which error: the statistics that synthetic errors follow.

The kinds of error are those of Ronchi and Perona, "Benchmarking and Error Diagnosis in
Multi-Instance Pose Estimation" (ICCV 2017); the probabilities are PoseFix's (Moon, Chang, Lee,
CVPR 2019). They depend on the joint, on how many joints of the person are visible and on how many
people overlap.

PoseFix knows COCO's 17 joints. Of the two that the refiner has besides, ``head_top`` takes the
row of the nose and ``neck`` that of the shoulders; neither counts as a visible joint, so that the
limits of 5, 10 and 15 joints keep their meaning.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.skeletons import COCO17, COCO19

Array = NDArray[np.float64]


class ErrorKind(IntEnum):
    """What is wrong with a joint of a synthetic pose. The first five are drawn from the table."""

    GOOD = 0
    """Where an annotator might have put it."""
    JITTER = 1
    """A little beside the true place."""
    MISS = 2
    """Well away from the true place, its twin or somebody else's joint, and on none of them."""
    INVERSION = 3
    """On the same joint of the other side of the body."""
    SWAP = 4
    """On the same joint, or its twin, of another person."""
    BASE = 5
    """Without a label, where the caller's base pose has it."""
    MISSING = 6
    """Without a label and without a base."""


DRAWN = len((ErrorKind.GOOD, ErrorKind.JITTER, ErrorKind.MISS, ErrorKind.INVERSION, ErrorKind.SWAP))
"""Number of kinds that the table gives probabilities for; their values are 0..4."""

FEW, MANY, MOST = 5, 10, 15
"""Limits on the number of visible joints at which the probabilities change."""

# Joint type: jitter at <= 10 visible joints and at more; miss at <= 5, 6-10 and more.
_JITTER_MISS: dict[str, tuple[tuple[float, float], tuple[float, float, float]]] = {
    "nose": ((0.15, 0.10), (0.15, 0.10, 0.02)),
    "eye": ((0.20, 0.15), (0.15, 0.10, 0.02)),
    "ear": ((0.20, 0.15), (0.15, 0.10, 0.02)),
    "shoulder": ((0.20, 0.15), (0.20, 0.13, 0.05)),
    "elbow": ((0.20, 0.15), (0.25, 0.15, 0.10)),
    "wrist": ((0.20, 0.15), (0.25, 0.15, 0.10)),
    "hip": ((0.25, 0.20), (0.25, 0.15, 0.10)),
    "knee": ((0.15, 0.10), (0.25, 0.15, 0.10)),
    "ankle": ((0.15, 0.10), (0.20, 0.13, 0.05)),
}
# Joint type: inversion; swap in a crowd and otherwise.
_FACE, _ARM, _LEG = (0.01, 0.02, 0.01), (0.03, 0.15, 0.06), (0.06, 0.10, 0.03)
_INVERSION_SWAP: dict[str, tuple[float, float, float]] = {
    **dict.fromkeys(("nose", "eye", "ear"), _FACE),
    **dict.fromkeys(("shoulder", "elbow", "wrist"), _ARM),
    **dict.fromkeys(("hip", "knee", "ankle"), _LEG),
}
_ROW_OF = {"head_top": "nose", "neck": "shoulder"}


def _row(joint: str) -> str:
    kind = joint.removeprefix("left_").removeprefix("right_")
    return _ROW_OF.get(kind, kind)


def _table() -> Array:
    """``(3, 2, K, 5)``: visible joints 0-5, 6-10, more; crowd no, yes; joint; kind."""
    table = np.zeros((3, 2, len(COCO19), DRAWN))
    for k, joint in enumerate(COCO19.keypoints):
        jitter, miss = _JITTER_MISS[_row(joint)]
        inversion, crowded, otherwise = _INVERSION_SWAP[_row(joint)]
        for amount in range(3):
            for crowd, swap in enumerate((otherwise, crowded)):
                wrong = (jitter[amount // 2], miss[amount], inversion, swap)
                table[amount, crowd, k] = (1 - sum(wrong), *wrong)
    table.flags.writeable = False
    return table


_TABLE = _table()
_COUNTED = np.array([joint in COCO17.keypoints for joint in COCO19.keypoints])


def count_visible(labelled: NDArray[np.bool_]) -> int:
    """Number of visible joints as PoseFix counts them: labelled ``(19,)`` joints of COCO's 17."""
    return int(np.count_nonzero(labelled & _COUNTED))


def error_probabilities(
    visible: int,
    overlaps: int,
    has_twin: NDArray[np.bool_],
    has_neighbour: NDArray[np.bool_],
) -> Array:
    """Probability of each kind of error for each joint under given conditions.

    A kind that is impossible for a joint is left out and the rest scaled to a sum of 1.

    Args:
        visible: Number of visible joints; see :func:`count_visible`.
        overlaps: Number of other people who overlap this one.
        has_twin: ``(19,)`` bool, whether the place of the joint's left-right twin is known;
            without it there is no inversion.
        has_neighbour: ``(19,)`` bool, whether a neighbour has the joint or its twin; without one
            there is no swap.

    Returns:
        ``(19, 5)`` float64 in the order of :class:`ErrorKind`; rows sum to 1.

    Raises:
        InputError: A count is negative.
    """
    if visible < 0 or overlaps < 0:
        raise InputError(f"visible and overlaps: expected 0 or more, got {visible}, {overlaps}")
    amount = int(visible > FEW) + int(visible > MANY)
    crowd = (visible <= MANY and overlaps >= 1) or (visible <= MOST and overlaps >= 3)
    probabilities: Array = _TABLE[amount, int(crowd)].copy()
    probabilities[~has_twin, ErrorKind.INVERSION] = 0
    probabilities[~has_neighbour, ErrorKind.SWAP] = 0
    probabilities /= probabilities.sum(1, keepdims=True)
    return probabilities


def draw_kinds(rng: np.random.Generator, probabilities: Array) -> NDArray[np.intp]:
    """One kind ``(J,)`` for each row of ``(J, 5)`` probabilities."""
    limits = probabilities.cumsum(1)
    # Against the sum itself, so that rounding cannot leave a draw beyond the last kind.
    drawn = rng.random((len(limits), 1)) * limits[:, -1:]
    kinds: NDArray[np.intp] = (drawn >= limits).sum(1)
    return kinds
