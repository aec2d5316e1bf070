"""COCO person keypoints: a JSON file of annotations and a folder of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.refiner.data.body import area_of, head_length, to_refiner
from steadypose.engines.refiner.data.reading import labelled_images, numbers_of
from steadypose.engines.refiner.data.records import Person, Picture
from steadypose.errors import InputError
from steadypose.skeletons import COCO17


def load_coco(annotations: Path, images: Path) -> list[Picture]:
    """Load pictures that hold at least one person with labelled joints, in order of their ids.

    People and crowds without labelled joints stay in the picture with weights of 0, so that
    nobody takes their place for background.

    Args:
        annotations: A ``person_keypoints_*.json``.
        images: The folder of its pictures.

    Raises:
        InputError: The file or a field of it cannot be used, or a picture is missing.
    """
    pictures = []
    for record, path, there in labelled_images(annotations, images, _person):
        key = str(record["id"])
        pictures.append(Picture(path=path, key=key, persons=there, source="coco", group=key))
    if not pictures:
        raise InputError(f"{annotations}: no picture with labelled joints")
    return sorted(pictures, key=lambda picture: (len(picture.key), picture.key))


def _person(record: dict[str, Any], where: str) -> Person:
    x, y, width, height = numbers_of(record, "bbox", 4, where)
    box = np.array([x, y, x + width, y + height], np.float32)
    joints = np.zeros((len(COCO17), 3), np.float32)
    if not record.get("iscrowd") and "keypoints" in record:
        joints = numbers_of(record, "keypoints", 3 * len(COCO17), where).reshape(-1, 3)
    rows = to_refiner(joints, COCO17)
    labelled = rows[:, 2] > 0
    area = record.get("area")
    return Person(
        keypoints=rows[:, :2],
        weight=labelled.astype(np.float32),
        box=box,
        area=max(float(area), 1.0) if isinstance(area, int | float) else area_of(box),
        head_px=head_length(rows[:, :2], labelled, box),
        labelled=labelled,
    )
