"""Clips as files of PoseTrack 2017, 2018 (and PoseTrack21), or COCO results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import Clip, Persons, Polygon
from steadypose.poses import NO_TRACK
from steadypose.skeletons import POSETRACK15, POSETRACK17
from steadypose.stream.sinks.part_file import PartFile
from steadypose.stream.sinks.values import compact_json

_TO_17 = np.array([POSETRACK17.index(joint) for joint in POSETRACK15.keypoints])
_CATEGORY = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(POSETRACK17.keypoints),
    "skeleton": [[a + 1, b + 1] for a, b in POSETRACK17.edge_indices],
}


def write_clip(clip: Clip, path: Path, form: str) -> None:
    """Write a clip as JSON, whole or not at all.

    Args:
        clip: What to write.
        path: The file; its folder exists.
        form: One of ``FORMATS``.

    Raises:
        OutputError: It cannot be written.
    """
    file = PartFile(path)
    try:
        file.write(compact_json(FORMATS[form](clip)) + "\n")
        file.commit()
    finally:
        file.discard()


def as_posetrack18(clip: Clip) -> dict[str, Any]:
    """``images``, ``annotations`` and ``categories``; a missing joint is 0, 0, 0."""
    return {
        "images": [_image(clip, i) for i in range(len(clip.images))],
        "annotations": _annotations(clip),
        "categories": [_CATEGORY],
    }


def as_results(clip: Clip) -> list[dict[str, Any]]:
    """COCO keypoint results in PoseTrack's 17 joints: x, y, score for each."""
    table, joint_scores = _in_17(clip.persons)
    table[..., 2] = joint_scores
    fields = _common(clip)
    for person, rows in zip(
        fields, table.reshape(len(table), 3 * len(POSETRACK17)).tolist(), strict=True
    ):
        person["keypoints"] = rows
        person.setdefault("score", 1.0)
    return fields


def as_posetrack17(clip: Clip) -> dict[str, Any]:
    """``annolist``; the boxes of whole persons have no place in it."""
    persons, rows = clip.persons, clip.by_image()
    return {
        "annolist": [
            {
                "image": [{"name": file}],
                "imgnum": [_number(file, i)],
                "is_labeled": [int(clip.images.labelled[i])],
                "ignore_regions": [_region(polygon) for polygon in clip.images.regions[i]],
                "annorect": [_rect(persons, n) for n in range(rows[i].start, rows[i].stop)],
            }
            for i, file in enumerate(clip.images.files)
        ]
    }


FORMATS: Mapping[str, Callable[[Clip], Any]] = {
    "posetrack17": as_posetrack17,
    "posetrack18": as_posetrack18,
    "coco": as_results,
}
"""By name; PoseTrack21's files are those of 2018."""


def _image(clip: Clip, i: int) -> dict[str, Any]:
    images, number = clip.images, int(clip.images.ids[i])
    regions = images.regions[i]
    found: dict[str, Any] = {
        "id": number,
        "frame_id": number,
        "vid_id": _video(clip.name),
        "file_name": images.files[i],
        "nframes": len(images),
        "is_labeled": bool(images.labelled[i]),
    }
    for axis, name in enumerate("xy"):
        found[f"ignore_regions_{name}"] = [polygon[:, axis].tolist() for polygon in regions]
    return found


def _video(name: str) -> str:
    number = re.match(r"\d+", name)
    return number[0] if number else name


def _annotations(clip: Clip) -> list[dict[str, Any]]:
    table, joint_scores = _in_17(clip.persons)
    fields = _common(clip)
    flat = table.reshape(len(table), 3 * len(POSETRACK17)).tolist()
    scored = [bool(row.any()) for row in np.isfinite(clip.persons.scores)]
    for n, person in enumerate(fields):
        person |= {"id": n + 1, "keypoints": flat[n]}
        if scored[n]:
            person["scores"] = joint_scores[n].tolist()
    return fields


def _common(clip: Clip) -> list[dict[str, Any]]:
    """What annotations and results have alike."""
    persons = clip.persons
    fields: list[dict[str, Any]] = [
        {"image_id": int(clip.images.ids[i]), "category_id": 1} for i in persons.image
    ]
    for n, person in enumerate(fields):
        if persons.track_ids[n] != NO_TRACK:
            person["track_id"] = int(persons.track_ids[n])
        if persons.person_ids[n] != NO_TRACK:
            person["person_id"] = int(persons.person_ids[n])
        for name, box in (("bbox", persons.boxes[n]), ("bbox_head", persons.heads[n])):
            if np.isfinite(box).all():
                person[name] = [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]
        if np.isfinite(persons.person_scores[n]):
            person["score"] = float(persons.person_scores[n])
    return fields


def _in_17(persons: Persons) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Joints ``(N, 17, 3)`` x, y, visibility, and scores ``(N, 17)``; zeros where missing."""
    there = persons.there
    seen = np.where(np.isnan(persons.visible), 1.0, persons.visible)
    # 0, 0, 0 would say that the joint is missing.
    corner = (persons.points == 0).sum(-1) == 2
    seen = np.where(corner, 1.0, seen)
    table = np.zeros((len(persons), len(POSETRACK17), 3))
    table[:, _TO_17, :2] = np.where(there[..., None], persons.points, 0)
    table[:, _TO_17, 2] = np.where(there, seen, 0)
    scores = np.zeros(table.shape[:2])
    scores[:, _TO_17] = np.nan_to_num(np.where(there, persons.scores, 0))
    return table, scores


def _number(file: str, image: int) -> int:
    frame = re.match(r"\d+", PurePosixPath(file).stem)
    return int(frame[0]) + 1 if frame else image + 1


def _region(polygon: Polygon) -> dict[str, Any]:
    return {"point": [{"x": [x], "y": [y]} for x, y in polygon.tolist()]}


def _rect(persons: Persons, n: int) -> dict[str, Any]:
    rect: dict[str, Any] = {}
    if persons.track_ids[n] != NO_TRACK:
        rect["track_id"] = [int(persons.track_ids[n])]
    head = persons.heads[n]
    if np.isfinite(head).all():
        rect |= {name: [float(v)] for name, v in zip(("x1", "y1", "x2", "y2"), head, strict=True)}
    if np.isfinite(persons.person_scores[n]):
        rect["score"] = [float(persons.person_scores[n])]
    if not persons.bare[n]:
        points = [_point(persons, n, j) for j in np.flatnonzero(persons.there[n]).tolist()]
        rect["annopoints"] = [{"point": points}]
    return rect


def _point(persons: Persons, n: int, joint: int) -> dict[str, Any]:
    x, y = persons.points[n, joint].tolist()
    point: dict[str, Any] = {"id": [joint], "x": [x], "y": [y]}
    for name, values in (("score", persons.scores), ("is_visible", persons.visible)):
        if np.isfinite(values[n, joint]):
            point[name] = [float(values[n, joint])]
    return point
