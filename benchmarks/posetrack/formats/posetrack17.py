"""PoseTrack 2017 JSON: ``annolist``, where every value is in a list of one."""

from __future__ import annotations

import math
import re
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import JOINTS, Clip, Images, Persons, Polygon
from steadypose.benchmarks.posetrack.formats.fields import Record, only, text, whole_number
from steadypose.engines.refiner.data.reading import records_of
from steadypose.errors import InputError
from steadypose.poses import NO_TRACK

_FIELDS = ("x1", "y1", "x2", "y2", "score")
_NONE = (None,)
"""Stands for a value that is missing; numpy makes NaN of it."""
_SETS = {"mpiinew": 3, "bonn": 2, "mpii": 1}
"""PoseTrack 2018 builds its image ids from a number of the set, the video's and the frame's."""


def clip_of(content: Record, path: Path) -> Clip:
    """The clip of a parsed file.

    Ids of images are made as PoseTrack 2018 has them, from the numbers in the pictures' names.

    Raises:
        InputError: A field is missing or cannot be used.
    """
    records = records_of(content, "annolist", path)
    if not records:
        raise InputError(f"{path}: 'annolist': holds no image")
    wheres = [f"{path}: image number {n}" for n in range(1, len(records) + 1)]
    files = tuple(_file(record, where) for record, where in zip(records, wheres, strict=True))
    wheres = [f"{path}: image {file}" for file in files]
    rects = [records_of(r, "annorect", Path(w)) for r, w in zip(records, wheres, strict=True)]
    images = Images(
        ids=image_ids(files),
        files=files,
        labelled=np.array(
            [_labelled(*each) for each in zip(records, rects, wheres, strict=True)], bool
        ),
        regions=tuple(_regions(r, w) for r, w in zip(records, wheres, strict=True)),
        promised=np.full(len(records), -1, np.int64),
    )
    return Clip(name=path.stem, source=path, images=images, persons=_persons(rects, wheres))


def image_ids(files: tuple[str, ...]) -> NDArray[np.int64]:
    """``(F,)`` image ids of PoseTrack 2018; 1, 2, 3 ... where the names do not give them."""
    found = []
    for file in files:
        path = PurePosixPath(file)
        video, frame = re.match(r"\d{1,6}(?=_|$)", path.parent.name), re.match(r"\d+", path.stem)
        if video is None or frame is None or int(frame[0]) > 9999:
            return np.arange(1, len(files) + 1, dtype=np.int64)
        kind = next((n for name, n in _SETS.items() if name in path.parent.name), 1)
        found.append(kind * 10**10 + int(video[0]) * 10**4 + int(frame[0]))
    if len(set(found)) < len(found):
        return np.arange(1, len(files) + 1, dtype=np.int64)
    return np.array(found, np.int64)


def _file(record: Record, where: str) -> str:
    return text(only(record.get("image"), f"{where}: 'image'"), "name", f"{where}: 'image'")


def _labelled(record: Record, rects: list[Record], where: str) -> bool:
    if record.get("is_labeled") is None:
        return bool(rects)
    return bool(only(record["is_labeled"], f"{where}: 'is_labeled'"))


def _regions(record: Record, where: str) -> tuple[Polygon, ...]:
    try:
        return tuple(
            np.array(
                [[point["x"][0], point["y"][0]] for point in region["point"]], np.float64
            ).reshape(-1, 2)
            for region in record.get("ignore_regions") or []
        )
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{where}: 'ignore_regions': expected objects with 'point', a list of x and y"
        ) from error


def _persons(rects: list[list[Record]], wheres: list[str]) -> Persons:
    persons = Persons.blank([image for image, there in enumerate(rects) for _ in there])
    names = [
        f"{where}: annorect number {number}"
        for there, where in zip(rects, wheres, strict=True)
        for number in range(1, len(there) + 1)
    ]
    flat = [rect for there in rects for rect in there]
    values = _whole_persons(flat, names)
    persons.heads[:], persons.person_scores[:] = values[:, :4], values[:, 4]
    points: list[list[Any]] = []
    for row, (rect, name) in enumerate(zip(flat, names, strict=True)):
        persons.track_ids[row] = _track_id(rect, name)
        there = _points(row, rect, name)
        persons.bare[row] = there is None
        points += there or ()
    # The first of several points of one joint counts, as in poseval.
    table = _numbers(points, names)[::-1]
    table = table[(table[:, 1] >= 0) & (table[:, 1] < JOINTS)]
    place = tuple(table[:, :2].astype(np.intp).T)
    persons.points[place] = table[:, 2:4]
    persons.scores[place] = table[:, 4]
    persons.visible[place] = table[:, 5]
    return persons


def _whole_persons(rects: list[Record], names: list[str]) -> NDArray[np.float64]:
    """Head box and score ``(N, 5)`` of each rectangle; NaN where it has none."""
    try:
        rows = [[(rect.get(field) or _NONE)[0] for field in _FIELDS] for rect in rects]
        return np.array(rows, np.float64).reshape(-1, len(_FIELDS))
    except (LookupError, TypeError, ValueError):
        return np.array(
            [
                [_number(r[f], f"{name}: '{f}'") if r.get(f) else np.nan for f in _FIELDS]
                for r, name in zip(rects, names, strict=True)
            ]
        )


def _track_id(rect: Record, where: str) -> int:
    if "track_id" not in rect:
        return NO_TRACK
    value = {"track_id": only(rect["track_id"], f"{where}: 'track_id'")}
    return whole_number(value, "track_id", where)


def _points(row: int, rect: Record, where: str) -> list[list[Any]] | None:
    """Row, joint, x, y, score and visibility of each point; None where there is no list of them."""
    body = rect.get("annopoints")
    try:
        points = body[0].get("point") if body and body[0] else None
        if points is None:
            return None
        return [
            [
                row,
                *(p["id"][0], p["x"][0], p["y"][0]),
                (p.get("score") or _NONE)[0],
                (p.get("is_visible") or _NONE)[0],
            ]
            for p in points
        ]
    except (AttributeError, LookupError, TypeError) as error:
        raise InputError(
            f"{where}: 'annopoints': a point needs 'id', 'x', 'y', each in a list of one"
        ) from error


def _numbers(points: list[list[Any]], names: list[str]) -> NDArray[np.float64]:
    """Points as an array ``(M, 6)``. Raises InputError naming the rectangle of a wrong one."""
    try:
        table = np.array(points, np.float64).reshape(-1, 6)
        if np.isfinite(table[:, :4]).all():
            return table
    except (TypeError, ValueError):
        pass
    for row in points:
        if not all(isinstance(v, (int, float)) and np.isfinite(v) for v in row[:4]):
            raise InputError(f"{names[row[0]]}: 'annopoints': expected numbers, got {row[1:4]}")
    raise InputError(f"{names[points[0][0]]}: 'annopoints': 'score': expected numbers")


def _number(value: Any, where: str) -> float:
    number = only(value, where)
    if (
        isinstance(number, bool)
        or not isinstance(number, (int, float))
        or not math.isfinite(number)
    ):
        raise InputError(f"{where}: expected a number, got {number!r}")
    return float(number)
