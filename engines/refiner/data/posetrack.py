"""PoseTrack 2018 (and PoseTrack21) JSON: one file a video, pictures named from a common root."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.refiner.data.body import (
    area_of,
    box_around,
    head_length,
    head_length_of_box,
    to_refiner,
)
from steadypose.engines.refiner.data.reading import labelled_images, numbers_of
from steadypose.engines.refiner.data.records import Person, Picture
from steadypose.errors import InputError
from steadypose.skeletons import POSETRACK17


def load_posetrack(annotations: Path, root: Path) -> list[Picture]:
    """Load every labelled frame with people of a folder of JSON files, one file a video.

    The frames of a video are one group. PCKh's head length is 0.6 of the diagonal of the head box
    where there is one.

    Args:
        annotations: The folder, or a single file.
        root: Folder that the files' ``file_name`` start from.

    Raises:
        InputError: A file or a field of it cannot be used, or a picture is missing.
    """
    files = [annotations] if annotations.is_file() else sorted(annotations.glob("*.json"))
    if not files:
        raise InputError(f"{annotations}: no .json files in it")
    pictures = [picture for file in files for picture in _load_file(file, root)]
    if not pictures:
        raise InputError(f"{annotations}: no labelled frame with people")
    return pictures


def _load_file(path: Path, root: Path) -> list[Picture]:
    return [
        Picture(
            path=picture,
            key=f"{path.stem}/{record['id']}",
            persons=there,
            source="posetrack",
            group=str(record.get("vid_id", path.stem)),
        )
        for record, picture, there in labelled_images(path, root, _person)
    ]


def _person(record: dict[str, Any], where: str) -> Person:
    joints = numbers_of(record, "keypoints", 3 * len(POSETRACK17), where).reshape(-1, 3)
    rows = to_refiner(joints, POSETRACK17)
    labelled = rows[:, 2] > 0
    if "bbox" in record:
        box = numbers_of(record, "bbox", 4, where)
        box = np.concatenate([box[:2], box[:2] + box[2:]])
    elif labelled.any():
        box = box_around(rows[:, :2], labelled)
    else:
        box = np.zeros(4, np.float32)
    return Person(
        keypoints=rows[:, :2],
        weight=labelled.astype(np.float32),
        box=box,
        area=area_of(box),
        head_px=_head(record, where) or head_length(rows[:, :2], labelled, box),
        labelled=labelled,
    )


def _head(record: dict[str, Any], where: str) -> float | None:
    if "bbox_head" not in record:
        return None
    x, y, width, height = numbers_of(record, "bbox_head", 4, where)
    if width <= 0 or height <= 0:
        return None
    return head_length_of_box(np.array([x, y, x + width, y + height]))
