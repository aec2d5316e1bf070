"""Lengths and boxes of a person from labelled joints, where a data set gives none."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.records import JOINTS
from steadypose.skeletons import COCO19, Skeleton

NAMES = COCO19.keypoints
"""The refiner's 19 joints."""
HEAD_TOP, NECK = COCO19.index("head_top"), COCO19.index("neck")

_LONG_BONES = tuple(
    (NAMES.index(f"{side}_{a}"), NAMES.index(f"{side}_{b}"))
    for side, (a, b) in product(
        ("left", "right"), (("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"))
    )
)
# Medians over the 3,159 people of LSPet (the 8,000 pictures at hand) whose 14 joints are visible.
_HEAD_PER_BONE = 0.43
_HEAD_PER_DIAGONAL = 0.14
# A head seen along its axis has hardly any length in the picture; nobody can be as exact as that.
_SHORTEST_HEAD = 0.5
# COCO's boxes exceed the joints by 6 % (sides) to 11 % (ends) of the longer side (medians over 104
# people seen whole).
_MARGIN = 0.08
# COCO's mask areas are 0.53 of the box on average.
AREA_PER_BOX = 0.53


def to_refiner(joints: NDArray[np.floating], skeleton: Skeleton) -> NDArray[np.float32]:
    """Joints ``(K, C)`` of another skeleton in the refiner's rows ``(19, C)``; zeros elsewhere.

    PoseTrack's ``head_bottom`` is the refiner's ``neck``.
    """
    rows = np.zeros((JOINTS, joints.shape[1]), np.float32)
    for row, name in enumerate(skeleton.keypoints):
        name = "neck" if name == "head_bottom" else name
        if name in NAMES and name not in skeleton.unlabelled:
            rows[NAMES.index(name)] = joints[row]
    return rows


def box_around(points: NDArray[np.floating], labelled: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Box ``(4,)`` of labelled points ``(19, 2)``, enlarged to hold the body.

    The tight box grows on every side by 8 % of its longer side, about as COCO's boxes do; it may
    reach beyond the picture.
    """
    low, high = points[labelled].min(0), points[labelled].max(0)
    grow = max(_MARGIN * float((high - low).max()), 1.0)
    return np.concatenate([low - grow, high + grow]).astype(np.float32)


def area_of(box: NDArray[np.floating]) -> float:
    """Area in px^2 that OKS divides by, of a person without a mask: 0.53 of the box."""
    width, height = box[2:] - box[:2]
    return max(float(AREA_PER_BOX * width * height), 1.0)


def head_length(
    points: NDArray[np.floating], labelled: NDArray[np.bool_], box: NDArray[np.floating]
) -> float:
    """PCKh's head length in px of a person without a head box.

    The distance of head top and neck where both are labelled, but at least half of what the
    body's size says, since foreshortening can bring it to nothing. The body's size says 0.43 of
    the longest trunk side, thigh or shank that is labelled; without one of these 0.14 of the
    box's diagonal.
    """
    bones = [
        float(np.hypot(*(points[a] - points[b])))
        for a, b in _LONG_BONES
        if labelled[a] and labelled[b]
    ]
    if bones:
        expected = _HEAD_PER_BONE * max(bones)
    else:
        expected = _HEAD_PER_DIAGONAL * float(np.hypot(*(box[2:] - box[:2])))
    if labelled[HEAD_TOP] and labelled[NECK]:
        head = float(np.hypot(*(points[HEAD_TOP] - points[NECK])))
        return max(head, _SHORTEST_HEAD * expected, 1.0)
    return max(expected, 1.0)


def head_length_of_box(head_box: NDArray[np.floating]) -> float:
    """PCKh's head length in px: 0.6 of the diagonal of a head box ``(4,)`` x1 y1 x2 y2."""
    return max(0.6 * float(np.hypot(*(head_box[2:] - head_box[:2]))), 1.0)
