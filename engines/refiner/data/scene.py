"""A crop with one person to refine and everything known about those around, in crop pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.cache import TEACHER
from steadypose.engines.refiner.data.records import JOINTS, Person, Picture
from steadypose.engines.refiner.data.views import View

_LEAST_TEACHER_SCORE = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """What a sample is made from.

    Attributes:
        image: ``(H, W, 3)`` uint8 BGR.
        target: ``(19, 2)`` float32, of no meaning where ``known`` is False.
        known: ``(19,)`` bool, whether there is a target, in the crop or not.
        weight: ``(19,)`` float32; 0 outside the crop.
        labelled: ``(19,)`` bool, the data set's own labels inside the crop.
        area: Area of the person, px^2.
        head: Head length, px.
        others: ``(M, 19, 2)`` float32 the other people who reach into the crop.
        others_known: ``(M, 19)`` bool.
        estimates: Base estimators' results by name, ``(19, 3)``.
    """

    image: NDArray[np.uint8]
    target: NDArray[np.float32]
    known: NDArray[np.bool_]
    weight: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    area: float
    head: float
    others: NDArray[np.float32]
    others_known: NDArray[np.bool_]
    estimates: Mapping[str, NDArray[np.float32]]

    @property
    def base(self) -> NDArray[np.float32]:
        """``(19, 2)`` where the teacher sees the joints; NaN where it does not."""
        teacher = self.estimates.get(TEACHER)
        if teacher is None:
            return np.full((JOINTS, 2), np.nan, np.float32)
        seen = teacher[:, 2:] >= _LEAST_TEACHER_SCORE
        return np.where(seen, teacher[:, :2], np.nan).astype(np.float32)


def scene_of(picture: Picture, person: Person, image: NDArray[np.uint8], view: View) -> Scene:
    """The scene that a view shows of a person of a picture (the same object as in it)."""
    target = view.points(person.keypoints)
    inside = view.inside(target)
    weight = view.per_joint(person.weight)
    others, others_known = _others(picture, person, view)
    return Scene(
        image=view.cut(image),
        target=target,
        known=weight > 0,
        weight=np.where(inside, weight, 0).astype(np.float32),
        labelled=_per_joint(view, person.labelled) & inside,
        area=person.area / view.scale**2,
        head=person.head_px / view.scale,
        others=others,
        others_known=others_known,
        estimates={name: view.joints(joints) for name, joints in person.estimates.items()},
    )


def _per_joint(view: View, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return view.per_joint(flags.astype(np.float32)) > 0


def _others(
    picture: Picture, person: Person, view: View
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    points, known = [], []
    for other in picture.persons:
        if other is person or not (other.weight > 0).any():
            continue
        there = view.points(other.keypoints)
        flags = _per_joint(view, other.weight > 0)
        if (view.inside(there) & flags).any():
            points.append(there)
            known.append(flags)
    return (
        np.array(points, np.float32).reshape(-1, JOINTS, 2),
        np.array(known, bool).reshape(-1, JOINTS),
    )
