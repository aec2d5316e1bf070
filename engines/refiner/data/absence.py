"""Samples in which nobody is where a pose says that somebody is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.records import Person, Picture
from steadypose.engines.refiner.data.scene import Scene

_TRIES = 24
_MOST_COVERED = 0.1


def empty_box(
    rng: np.random.Generator, picture: Picture, size_wh: tuple[int, int]
) -> NDArray[np.float32] | None:
    """A box ``(4,)`` in the picture that hardly touches anybody; None where chance finds none.

    At most a tenth of it may lie in any person's box.
    """
    people = np.array([person.box for person in picture.persons], np.float64).reshape(-1, 4)
    sides = np.array(size_wh, np.float64)
    height = rng.uniform(0.15, 0.6, _TRIES) * sides[1]
    width = height * rng.uniform(0.3, 0.9, _TRIES)
    low = rng.random((_TRIES, 2)) * (sides - np.stack([width, height], 1))
    boxes = np.concatenate([low, low + np.stack([width, height], 1)], 1)
    ends = np.minimum(boxes[:, None, 2:], people[:, 2:])
    starts = np.maximum(boxes[:, None, :2], people[:, :2])
    shared = np.maximum(ends - starts, 0).prod(-1) / (width * height)[:, None]
    free = (shared <= _MOST_COVERED).all(1) & (low >= 0).all(1) & (width >= 12)
    if not free.any():
        return None
    return np.asarray(boxes[int(free.argmax())], np.float32)


def ghost(person: Person, box: NDArray[np.floating]) -> Person:
    """Somebody else's pose and estimates, moved and scaled into a box ``(4,)``."""
    sides = person.box[2:] - person.box[:2]
    scale = float(min((box[2:] - box[:2]) / np.maximum(sides, 1)))
    middle, place = (person.box[:2] + person.box[2:]) / 2, (box[:2] + box[2:]) / 2

    def moved(points: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((points - middle) * scale + place, np.float32)

    return replace(
        person,
        keypoints=moved(person.keypoints),
        box=np.concatenate([place - scale * sides / 2, place + scale * sides / 2]).astype(
            np.float32
        ),
        area=person.area * scale**2,
        head_px=person.head_px * scale,
        estimates={
            name: np.concatenate([moved(joints[:, :2]), joints[:, 2:]], 1)
            for name, joints in person.estimates.items()
        },
    )


def unsure(rng: np.random.Generator, joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Joints ``(19, 3)`` with the scores that estimators give where nobody is: mostly low."""
    factor = rng.beta(1.2, 2.5) * rng.uniform(0.5, 1, len(joints))
    joints = joints.copy()
    joints[:, 2] *= factor.astype(np.float32)
    return joints


def without_truth(scene: Scene) -> Scene:
    """The scene with nobody in it."""
    return replace(
        scene,
        weight=np.zeros_like(scene.weight),
        labelled=np.zeros_like(scene.labelled),
    )
