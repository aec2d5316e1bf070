"""Labels to train on: a data set's own, bettered or completed by a teacher where they are poor.

LSPet's labels are crowd-sourced, and know neither faces nor COCO's definition of a joint. The
teacher, MoveNet Thunder averaged over the picture and its mirror image, knows both.
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

DOUBTED_WEIGHT = 0.7
"""Of a label that the teacher does not agree with."""
FACE_SCORE, FACE_WEIGHT = 0.4, 0.5
"""Score from which an unlabelled face joint of the teacher is believed, and its weight."""
LIMB_SCORE, LIMB_WEIGHT = 0.5, 0.3
"""The same for an unlabelled joint of trunk and limbs."""

FACE = np.array([name in NAMES[:5] for name in NAMES])
"""``(19,)`` bool: nose, eyes, ears."""
_TAUGHT = np.array([row not in (HEAD_TOP, NECK) for row in range(JOINTS)])
_NEVER_IN_POSETRACK = np.array([name.endswith(("_eye", "_ear")) for name in NAMES])


def fuse_labels(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures with every labelled person's labels fused; ``labelled`` stays as it is.

    Raises:
        InputError: A person of LSPet or PoseTrack has no estimate of the teacher.
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
    LSPet     labelled, teacher within half a head                   mean of both, 1
    LSPet     labelled, teacher elsewhere                            label, 0.7
    LSPet     head top, neck                                         label, 1; else none
    LSPet     face, unlabelled, teacher's score at least 0.4         teacher, 0.5
    LSPet     trunk or limb, unlabelled, score at least 0.5          teacher, 0.3
    PoseTrack eyes and ears, which it never labels, score >= 0.4     teacher, 0.5
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
        _meet(points, weight, person, teacher)
        added = ~person.labelled & _TAUGHT
    else:
        added = ~person.labelled & _NEVER_IN_POSETRACK
    least = np.where(FACE, FACE_SCORE, LIMB_SCORE)
    added &= teacher[:, 2] >= least
    points[added] = teacher[added, :2]
    weight[added] = np.where(FACE, FACE_WEIGHT, LIMB_WEIGHT)[added]
    return replace(person, keypoints=points, weight=weight)


def _meet(
    points: NDArray[np.float32],
    weight: NDArray[np.float32],
    person: Person,
    teacher: NDArray[np.float32],
) -> None:
    """Move the labels half-way to the teacher where both mean the same joint; doubt the rest."""
    both = person.labelled & _TAUGHT & (teacher[:, 2] > 0)
    away = np.linalg.norm(person.keypoints - teacher[:, :2], axis=1)
    agree = both & (away <= AGREE_WITHIN * person.head_px)
    points[agree] = (person.keypoints[agree] + teacher[agree, :2]) / 2
    weight[both & ~agree] = DOUBTED_WEIGHT
