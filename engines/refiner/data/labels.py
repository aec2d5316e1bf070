"""Labels to train on: a data set's own, bettered or completed by a teacher where they are poor.

LSPet's labels are crowd-sourced, and know neither faces nor COCO's definition of a joint; in every
twelfth picture or so left and right are exchanged, most often where a person faces the camera and
the label names the sides as the picture has them. The teacher, MoveNet Thunder's median over moved
and mirrored views, knows better in all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.body import HEAD_TOP, NAMES, NECK
from steadypose.engines.refiner.data.cache import TEACHER
from steadypose.engines.refiner.data.records import JOINTS, Person, Picture, Source
from steadypose.errors import InputError

AGREE_WITHIN = 0.5
"""Label and teacher mean the same joint where they lie within this many head lengths."""

TEACHER_SHARE = 2 / 3
"""How far a label that the teacher agrees with is moved to the teacher's place."""
DOUBTED_WEIGHT = 0.7
"""Of a label that the teacher does not agree with."""
CROSSED = 0.5
"""Sides are crossed if exchanging them brings labels this many times nearer to the teacher."""
CROSSED_SCORE, CROSSED_WEIGHT = 0.45, 0.3
"""Teacher's mean score from which its sides are believed; weight of the labels if it is less."""
_FORK = 0.5
"""Head lengths that a pair of joints must lie apart to tell left from right."""
FACE_SCORE, FACE_WEIGHT = 0.4, 0.5
"""Score from which an unlabelled face joint of the teacher is believed, and its weight."""
LIMB_SCORE, LIMB_WEIGHT = 0.5, 0.3
"""The same for an unlabelled joint of trunk and limbs."""

FACE = np.array([name in NAMES[:5] for name in NAMES])
"""``(19,)`` bool: nose, eyes, ears."""
_LIMBS = tuple(
    np.array([(NAMES.index(f"left_{name}"), NAMES.index(f"right_{name}")) for name in names])
    for names in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
)
"""``(3, 2)`` rows of the left and right joints of the arms and of the legs."""
_TAUGHT = np.array([row not in (HEAD_TOP, NECK) for row in range(JOINTS)])
_NEVER_LABELLED = {
    "posetrack": np.array([name.endswith(("_eye", "_ear")) for name in NAMES]),
    "mpii": FACE,
}


def fuse_labels(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures with every labelled person's labels fused; ``labelled`` stays as it is.

    Raises:
        InputError: A person of LSPet, MPII or PoseTrack has no estimate of the teacher.
    """
    return [
        replace(p, persons=tuple(fuse_person(person, p.source) for person in p.persons))
        for p in pictures
    ]


def fuse_person(person: Person, source: Source) -> Person:
    """One person's fused labels, by the data set they come from.

    ========= ====================================================== ==========================
    set       joint                                                  target and weight
    ========= ====================================================== ==========================
    LSPet     arms or legs crossed against a sure teacher            exchanged, then as below
    LSPet     arms or legs crossed against an unsure teacher         label, 0.3
    LSPet     labelled, teacher within half a head                   2/3 of the way to it, 1
    LSPet     labelled, teacher elsewhere                            label, 0.7
    LSPet     head top, neck                                         label, 1; else none
    LSPet     face, unlabelled, teacher's score at least 0.4         teacher, 0.5
    LSPet     trunk or limb, unlabelled, score at least 0.5          teacher, 0.3
    PoseTrack eyes and ears, which it never labels, score >= 0.4     teacher, 0.5
    MPII      the same and the nose                                  teacher, 0.5
    COCO      any                                                    label, 1; else none
    ========= ====================================================== ==========================

    Raises:
        InputError: There is no estimate of the teacher where one is needed.
    """
    if source == "coco" or not person.labelled.any():
        return person
    if TEACHER not in person.estimates:
        raise InputError(f"labels of {source}: no estimate '{TEACHER}' of a person; make it first")
    teacher = person.estimates[TEACHER]
    points, weight = person.keypoints.copy(), person.weight.copy()
    if source == "lspet":
        doubted = _uncross(points, person, teacher)
        _meet(points, weight, person, teacher)
        weight[doubted] = np.minimum(weight[doubted], CROSSED_WEIGHT)
        added = ~person.labelled & _TAUGHT
    else:
        added = ~person.labelled & _NEVER_LABELLED[source]
    least = np.where(FACE, FACE_SCORE, LIMB_SCORE)
    added &= teacher[:, 2] >= least
    points[added] = teacher[added, :2]
    weight[added] = np.where(FACE, FACE_WEIGHT, LIMB_WEIGHT)[added]
    return replace(person, keypoints=points, weight=weight)


def _uncross(
    points: NDArray[np.float32], person: Person, teacher: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Exchange left and right of limbs whose sides a sure teacher sees the other way round.

    Arms and legs are judged apart, each by the pairs of joints that lie far enough apart.

    Returns:
        ``(19,)`` bool, joints whose sides are in doubt because the teacher was not sure.
    """
    doubted = np.zeros(JOINTS, bool)
    known = person.labelled & (teacher[:, 2] > 0)
    for limbs in _LIMBS:
        pairs = limbs[known[limbs].all(1)]
        left, right = points[pairs[:, 0]], points[pairs[:, 1]]
        apart = np.linalg.norm(left - right, axis=1) > _FORK * person.head_px
        pairs, left, right = pairs[apart], left[apart], right[apart]
        seen_left, seen_right = teacher[pairs[:, 0]], teacher[pairs[:, 1]]
        straight = _away(left, seen_left) + _away(right, seen_right)
        crossed = _away(left, seen_right) + _away(right, seen_left)
        if crossed >= CROSSED * straight:
            continue
        if np.concatenate([seen_left, seen_right])[:, 2].mean() < CROSSED_SCORE:
            doubted[limbs] = True
            continue
        paired = person.labelled[limbs].all(1)
        points[limbs[paired]] = points[limbs[paired][:, ::-1]]
        doubted[limbs[~paired]] = True  # its label is the other side's, which has none
    return doubted


def _away(points: NDArray[np.float32], seen: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(points - seen[:, :2], axis=1).sum())


def _meet(
    points: NDArray[np.float32],
    weight: NDArray[np.float32],
    person: Person,
    teacher: NDArray[np.float32],
) -> None:
    """Move the labels towards the teacher where both mean the same joint; doubt the rest."""
    both = person.labelled & _TAUGHT & (teacher[:, 2] > 0)
    away = np.linalg.norm(points - teacher[:, :2], axis=1)
    agree = both & (away <= AGREE_WITHIN * person.head_px)
    points[agree] += TEACHER_SHARE * (teacher[agree, :2] - points[agree])
    weight[both & ~agree] = DOUBTED_WEIGHT
