"""MPII Human Pose, in the JSON form in which its lists of people are passed around."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.refiner.data.body import area_of, box_around, head_length, to_refiner
from steadypose.engines.refiner.data.reading import (
    existing_picture,
    numbers_of,
    read_records,
    value_of,
)
from steadypose.engines.refiner.data.records import Person, Picture
from steadypose.skeletons import MPII16

_FIRST_PIXEL = 1
"""MPII counts pixels from 1, as Matlab does."""


def load_mpii(annotations: Path, images: Path) -> list[Picture]:
    """Load people of MPII, those of one picture together, in order of the pictures' names.

    Args:
        annotations: JSON list with an object for each person: ``image`` (file name), ``joints``
            (16 x, y from 1) and ``joints_vis`` (16, 0 where there is no label).
        images: Folder of the pictures.

    The person's box is the tight box of the joints, enlarged by 8 % of its longer side; the head
    length comes from head top and neck, as the list holds no head boxes.

    Raises:
        InputError: The file or a field of it cannot be used, or a picture is missing.
    """
    people: dict[str, list[Person]] = {}
    paths: dict[str, Path] = {}
    for row, record in enumerate(read_records(annotations)):
        where = f"{annotations}: person {row}"
        name = str(value_of(record, "image", where))
        person = _person(record, where)
        if person is None:
            continue
        if name not in paths:
            paths[name] = existing_picture(images, name, where)
        people.setdefault(name, []).append(person)
    return [
        Picture(
            path=paths[name],
            key=Path(name).stem,
            persons=tuple(people[name]),
            source="mpii",
            group=Path(name).stem,
        )
        for name in sorted(people)
    ]


def _person(record: dict[str, Any], where: str) -> Person | None:
    points = numbers_of(record, "joints", 2 * len(MPII16), where).reshape(-1, 2)
    seen = numbers_of(record, "joints_vis", len(MPII16), where)
    known = (seen > 0) & (points >= _FIRST_PIXEL).all(1)
    joints = np.where(known[:, None], points - _FIRST_PIXEL, 0)
    rows = to_refiner(np.concatenate([joints, known[:, None]], 1), MPII16)
    labelled = rows[:, 2] > 0
    if not labelled.any():
        return None
    box = box_around(rows[:, :2], labelled)
    return Person(
        keypoints=rows[:, :2],
        weight=labelled.astype(np.float32),
        box=box,
        area=area_of(box),
        head_px=head_length(rows[:, :2], labelled, box),
        labelled=labelled,
    )
