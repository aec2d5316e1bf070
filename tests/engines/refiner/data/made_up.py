"""Small pictures with dots for joints, and the data sets made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.body import area_of, box_around
from steadypose.engines.refiner.data.records import JOINTS, Person, Picture, Source
from steadypose.skeletons import COCO17, COCO19, LSP14, POSETRACK17

STANDING = np.array(
    [
        *((50, 20), (53, 17), (47, 17), (57, 20), (43, 20)),  # nose, eyes, ears
        *((65, 45), (35, 45), (72, 70), (28, 70), (75, 95), (25, 95)),  # arms
        *((60, 100), (40, 100), (62, 140), (38, 140), (64, 180), (36, 180)),  # legs
        *((50, 5), (50, 35)),  # head top, neck
    ],
    np.float32,
)
"""Somebody who faces the camera, (19, 2); 100 x 190 px."""


def standing(
    images: Sequence[NDArray[np.uint8]], boxes: Sequence[NDArray[np.float32]]
) -> list[NDArray[np.floating]]:
    """An estimator that finds whoever it is asked for nearly where ``STANDING`` stands."""
    pose = np.concatenate([STANDING[:17] + 3, np.full((17, 1), 0.7)], 1)
    return [np.repeat(pose[None], len(many), 0) for many in boxes]


def person(
    at: tuple[float, float] = (30, 20), unlabelled: tuple[str, ...] = (), **fields: Any
) -> Person:
    points = STANDING + np.float32(at)
    labelled = np.array([name not in unlabelled for name in COCO19.keypoints])
    box = box_around(points, labelled)
    given: dict[str, Any] = {
        "keypoints": points,
        "weight": labelled.astype(np.float32),
        "box": box,
        "area": area_of(box),
        "head_px": 30.0,
        "labelled": labelled,
    }
    return Person(**(given | fields))


def joints_of(points: NDArray[np.float32], score: float = 0.9) -> NDArray[np.float32]:
    """An estimate (19, 3) at points; no head top and no neck, as of a COCO-17 estimator."""
    joints = np.concatenate([points, np.full((JOINTS, 1), score, np.float32)], 1)
    joints[17:, 2] = 0
    return joints


def picture(
    folder: Path, key: str, *persons: Person, source: Source = "coco", dots: bool = True
) -> Picture:
    image = np.full((240, 320, 3), 40, np.uint8)
    for someone in persons if dots else ():
        for x, y in someone.keypoints:
            cv2.circle(image, (int(x), int(y)), 2, (255, 255, 255), -1)
    path = folder / f"{key}.png"
    cv2.imwrite(str(path), image)
    return Picture(path=path, key=key, persons=persons, source=source, group=key)


def write_coco(folder: Path, count: int = 1, **changes: Any) -> tuple[Path, Path]:
    """An annotation file and its pictures; ``changes`` overwrite fields of every annotation."""
    images, annotations = [], []
    for number in range(1, count + 1):
        name = f"{number:012d}.png"
        cv2.imwrite(str(folder / name), np.zeros((40, 30, 3), np.uint8))
        images.append({"id": number, "file_name": name, "width": 30, "height": 40})
        flags = np.full((17, 1), 2)
        flags[0] = 0
        keypoints = np.concatenate([STANDING[:17], flags], 1).reshape(-1).tolist()
        annotation = {"id": number, "image_id": number, "bbox": [10, 5, 80, 190], "area": 8000.0}
        annotations.append(annotation | {"iscrowd": 0, "keypoints": keypoints} | changes)
    file = folder / "annotations.json"
    file.write_text(json.dumps({"images": images, "annotations": annotations}), encoding="utf-8")
    return file, folder


def lsp_labels() -> NDArray[np.float32]:
    """Labels (14, 3) of the standing person; the left wrist is not visible."""
    rows = [COCO19.index(name) for name in LSP14.keypoints]
    labels = np.concatenate([STANDING[rows], np.ones((14, 1), np.float32)], 1)
    labels[LSP14.index("left_wrist")] = 0
    return labels


def write_lsp(folder: Path, count: int) -> Path:
    """The npz form, of pictures 2 to count + 1."""
    (folder / "images").mkdir()
    numbers = np.arange(2, count + 2)
    for number in numbers:
        path = folder / "images" / f"im{number:05d}.jpg"
        cv2.imwrite(str(path), np.zeros((200, 100, 3), np.uint8))
    labels = np.repeat(lsp_labels()[None], count, 0)
    np.savez(folder / "keypoints.npz", keypoints=labels, index=numbers)
    return folder


def write_posetrack(folder: Path, **changes: Any) -> tuple[Path, Path]:
    """One video of one frame; ``changes`` overwrite fields of the annotation."""
    cv2.imwrite(str(folder / "frame.jpg"), np.zeros((200, 100, 3), np.uint8))
    keypoints = np.zeros((17, 3))
    for row, name in enumerate(POSETRACK17.keypoints):
        joint = "neck" if name == "head_bottom" else name
        keypoints[row] = (*STANDING[COCO19.index(joint)], 1)
    annotation = {"id": 1, "image_id": 7, "bbox": [10, 5, 80, 190], "bbox_head": [40, 0, 30, 40]}
    annotation = annotation | {"keypoints": keypoints.reshape(-1).tolist()} | changes
    images = [{"id": 7, "file_name": "frame.jpg", "vid_id": "v1"}]
    (folder / "annotations").mkdir()
    (folder / "annotations" / "video.json").write_text(
        json.dumps({"images": images, "annotations": [annotation]}), encoding="utf-8"
    )
    return folder / "annotations", folder


COCO_ROWS = slice(0, len(COCO17))
