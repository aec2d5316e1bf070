"""PoseTrack 2018 and PoseTrack21 JSON: ``images``, ``annotations``, ``categories``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import Clip, Images, Persons, Polygon
from steadypose.benchmarks.posetrack.formats.fields import (
    Record,
    numbers,
    optional,
    text,
    whole_number,
)
from steadypose.engines.refiner.data.reading import records_of
from steadypose.errors import InputError
from steadypose.poses import NO_TRACK
from steadypose.skeletons import POSETRACK15

_ALIASES = {"neck": "head_bottom"}


@dataclass(frozen=True, eq=False)
class _Joints:
    """The category of persons: its id, how many joints it has, where PoseTrack's 15 are in them."""

    category: int
    width: int
    columns: NDArray[np.intp]


def clips_of(content: Record, path: Path) -> list[Clip]:
    """The clips of a parsed file, mostly one.

    Where the images are of several videos (``vid_id``, else the folder of ``file_name``), each is
    a clip, called after the folder.

    Raises:
        InputError: A field is missing or cannot be used.
    """
    images = records_of(content, "images", path)
    if not images:
        raise InputError(f"{path}: 'images': there are none")
    joints = _joints(content, path)
    people = _by_image(records_of(content, "annotations", path), images, joints, path)
    videos: dict[str, list[Record]] = defaultdict(list)
    for record in images:
        videos[str(record.get("vid_id") or _folder(record, path))].append(record)
    names = [path.stem] if len(videos) == 1 else [_folder(v[0], path) for v in videos.values()]
    return [
        Clip(
            name=name,
            source=path,
            images=_images(records, people, path),
            persons=_persons([people[record["id"]] for record in records], joints, path),
        )
        for name, records in zip(names, videos.values(), strict=True)
    ]


def _joints(content: Record, path: Path) -> _Joints:
    for record in records_of(content, "categories", path):
        names = record.get("keypoints")
        if isinstance(names, list):
            break
    else:
        raise InputError(f"{path}: 'categories': none has 'keypoints', which names the joints")
    where = f"{path}: category {record.get('id', '?')}"
    given = [_ALIASES.get(name, name) for name in names]
    lacking = [joint for joint in POSETRACK15.keypoints if joint not in given]
    if lacking:
        raise InputError(f"{where}: 'keypoints': PoseTrack's {', '.join(lacking)} not among them")
    columns = np.array([given.index(joint) for joint in POSETRACK15.keypoints])
    return _Joints(whole_number(record, "id", where), len(given), columns)


def _by_image(
    annotations: list[Record], images: list[Record], joints: _Joints, path: Path
) -> dict[int, list[Record]]:
    """The annotations of each image."""
    people: dict[int, list[Record]] = {}
    for record in images:
        number = whole_number(record, "id", f"{path}: image {record.get('id', '?')}")
        if number in people:
            raise InputError(f"{path}: image {number}: 'id': occurs twice")
        people[number] = []
    for record in annotations:
        where = _called(record, path)
        there = people.get(record.get("image_id", -1))
        if there is None:
            raise InputError(f"{where}: 'image_id': no such image")
        if record.get("category_id") != joints.category:
            raise InputError(
                f"{where}: 'category_id' {record.get('category_id')}: unknown category; the one "
                f"of persons is {joints.category}"
            )
        there.append(record)
    return people


def _called(record: Record, path: Path) -> str:
    return f"{path}: image {record.get('image_id', '?')}: annotation {record.get('id', '?')}"


def _folder(record: Record, path: Path) -> str:
    name = text(record, "file_name", f"{path}: image {record.get('id', '?')}")
    return PurePosixPath(name).parent.name or path.stem


def _images(records: list[Record], people: dict[int, list[Record]], path: Path) -> Images:
    wheres = [f"{path}: image {record['id']}" for record in records]
    promised = [
        whole_number(record, "nframes", where) if record.get("nframes") is not None else -1
        for record, where in zip(records, wheres, strict=True)
    ]
    return Images(
        ids=np.array([record["id"] for record in records], np.int64),
        files=tuple(text(r, "file_name", w) for r, w in zip(records, wheres, strict=True)),
        labelled=np.array([bool(r.get("is_labeled", people[r["id"]])) for r in records]),
        regions=tuple(_regions(r, w) for r, w in zip(records, wheres, strict=True)),
        promised=np.array(promised, np.int64),
    )


def _regions(record: Record, where: str) -> tuple[Polygon, ...]:
    xs, ys = (_polygons(record.get(f"ignore_regions_{axis}")) for axis in "xy")
    try:
        polygons = tuple(
            np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)], -1)
            for x, y in zip(xs, ys, strict=True)
        )
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where}: 'ignore_regions_x' and '..._y': expected lists of polygons' coordinates, "
            "as many x as y"
        ) from error
    return polygons


def _polygons(value: Any) -> list[Any]:
    """A list of polygons' coordinates; a single polygon may stand by itself."""
    if value and isinstance(value, list) and not isinstance(value[0], list):
        return [value]
    return value or []


def _persons(people: list[list[Record]], joints: _Joints, path: Path) -> Persons:
    records = [record for there in people for record in there]
    persons = Persons.blank([image for image, there in enumerate(people) for _ in there])

    def name(i: int) -> str:
        return _called(records[i], path)

    flat = numbers(records, "keypoints", 3 * joints.width, name)
    table = flat.reshape(-1, joints.width, 3)[:, joints.columns]
    there = (table != 0).sum(-1) > 0
    scores = optional(records, "scores", joints.width, name)[:, joints.columns]
    boxes = [corners(optional(records, field, 4, name)) for field in ("bbox", "bbox_head")]
    return replace(
        persons,
        track_ids=_ids(records, "track_id", path),
        person_ids=_ids(records, "person_id", path),
        points=np.where(there[..., None], table[..., :2], np.nan),
        scores=np.where(there, scores, np.nan),
        visible=np.where(there, table[..., 2], np.nan),
        boxes=boxes[0],
        heads=boxes[1],
        person_scores=optional(records, "score", 1, name)[:, 0],
    )


def _ids(records: list[Record], field: str, path: Path) -> NDArray[np.int64]:
    return np.array(
        [
            NO_TRACK
            if record.get(field) is None
            else whole_number(record, field, _called(record, path))
            for record in records
        ],
        np.int64,
    )


def corners(xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes ``(N, 4)`` x, y, width, height as x1 y1 x2 y2."""
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1)
