"""Crowds put together: people of the test split before and behind one another.

Few labelled pictures show crowds. People are cut out along their limbs and pasted in as in
training, but only test people into test pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.networks import PADDING, SIZE, Base, Joints, RefinerFile
from steadypose.benchmarks.refiner.people import People
from steadypose.benchmarks.refiner.workbench import Workbench
from steadypose.engines.crops import Crops, cut
from steadypose.engines.refiner.data.covering import (
    CoverSettings,
    can_be_pasted,
    paste_person,
    paste_view,
)
from steadypose.engines.refiner.data.records import JOINTS
from steadypose.engines.refiner.data.scene import Scene

_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Crowd:
    """Crops with two people each, as pictures of their own.

    Attributes:
        images: ``(N, H, W, 3)`` uint8 BGR.
        people: Those who are looked for, in their middle, with the pasted ones as ``others``.
    """

    images: NDArray[np.uint8]
    people: People

    def run(self, refiner: RefinerFile, base: Base) -> tuple[Joints, Joints]:
        """``(N, 19, 3)`` of the base and of the refiner on it."""
        before, after = [], []
        boxes = self.people.rows.boxes
        for first in range(0, len(boxes), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            images = list(self.images[part])
            before.append(base.estimate(images, boxes[part]))
            after.append(refiner.refine(images, boxes[part], before[-1]))
        return np.concatenate(before), np.concatenate(after)


def make_crowd(bench: Workbench, people: People, count: int, seed: int) -> Crowd:
    """Up to ``count`` crops of different people, each with another of them pasted in.

    Joints that are covered are not counted.
    """
    hosts = people.some(count, "crowd")
    guests = [row for row, person in enumerate(people.records) if can_be_pasted(person)]
    images = list(bench.images(hosts.rows))
    crops = cut(images, hosts.rows.boxes, SIZE, PADDING)
    places = crops.from_frame(hosts.truth)
    scenes, kept = [], []
    for row in range(len(hosts) if guests else 0):
        rng = np.random.default_rng([seed, row])
        start = _scene(hosts, row, crops, places[row])
        guest = int(rng.choice(guests))
        if people.pictures[guest] == hosts.pictures[row]:
            continue
        scene = _pasted(rng, bench, start, people, guest)
        if scene is not start:
            scenes.append(scene)
            kept.append(row)
    return _crowd(hosts.take(np.array(kept, np.intp)), crops, scenes, np.array(kept, np.intp))


def _scene(people: People, row: int, crops: Crops, target: NDArray[np.float32]) -> Scene:
    inside = ((target >= 0) & (target <= np.array([SIZE[1], SIZE[0]]) - 1)).all(1)
    known = people.labelled[row]
    return Scene(
        image=crops.images[row],
        target=target,
        known=known,
        weight=(known & inside).astype(np.float32),
        labelled=known & inside,
        area=float(people.area[row] / crops.scales[row] ** 2),
        head=float(people.head[row] / crops.scales[row]),
        others=np.zeros((0, JOINTS, 2), np.float32),
        others_known=np.zeros((0, JOINTS), bool),
        estimates={},
    )


def _pasted(
    rng: np.random.Generator, bench: Workbench, scene: Scene, people: People, guest: int
) -> Scene:
    settings = CoverSettings()
    person = people.records[guest]
    view = paste_view(rng, scene, person, SIZE)
    one = np.array([guest], np.intp)
    (image,) = bench.images(people.take(one).rows)
    behind = bool(rng.random() < settings.behind)
    return paste_person(scene, person, image, view, behind=behind, most=settings.most)


def _crowd(hosts: People, crops: Crops, scenes: list[Scene], kept: NDArray[np.intp]) -> Crowd:
    """Hosts as people of their crops; joints whose weight the guest has lowered do not count."""
    middle = np.array([SIZE[1], SIZE[0]], np.float32) / 2
    half = crops.box_sizes[kept] / 2
    empty = np.zeros((0, JOINTS), bool)
    shape = (len(scenes), JOINTS, 2)
    return Crowd(
        images=np.stack([s.image for s in scenes]) if scenes else crops.images[:0],
        people=replace(
            hosts,
            data=f"{hosts.data}, made-up crowds",
            rows=replace(hosts.rows, boxes=np.concatenate([middle - half, middle + half], 1)),
            truth=np.array([s.target for s in scenes], np.float32).reshape(shape),
            labelled=np.stack([s.weight >= 1 for s in scenes]) if scenes else empty,
            area=np.array([s.area for s in scenes]),
            head=np.array([s.head for s in scenes]),
            others=tuple(s.others for s in scenes),
            others_labelled=tuple(s.others_known for s in scenes),
            crowded=np.ones(len(scenes), bool),
        ),
    )
