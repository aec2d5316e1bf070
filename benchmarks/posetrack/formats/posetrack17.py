"""PoseTrack 2017 JSON: ``annolist``, where every value is in a list of one."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from steadypose.benchmarks.posetrack.clip import JOINTS, Clip, Images, Persons, Polygon
from steadypose.benchmarks.posetrack.formats.fields import Record, only, text, whole_number
from steadypose.engines.refiner.data.reading import records_of
from steadypose.errors import InputError

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


def image_ids(files: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
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
    row = 0
    for there, where in zip(rects, wheres, strict=True):
        for number, rect in enumerate(there, 1):
            _fill(persons, row, rect, f"{where}: annorect number {number}")
            row += 1
    return persons


def _fill(persons: Persons, row: int, rect: Record, where: str) -> None:
    """Write one rectangle into the arrays."""
    if "track_id" in rect:
        value = {"track_id": only(rect["track_id"], f"{where}: 'track_id'")}
        persons.track_ids[row] = whole_number(value, "track_id", where)
    for column, field in enumerate(("x1", "y1", "x2", "y2")):
        if field in rect:
            persons.heads[row, column] = _number(rect[field], f"{where}: '{field}'")
    if "score" in rect:
        persons.person_scores[row] = _number(rect["score"], f"{where}: 'score'")
    body = rect.get("annopoints")
    points = body[0].get("point") if isinstance(body, list) and body and body[0] else None
    persons.bare[row] = points is None
    # The first of several points of one joint counts, as in poseval.
    for point in reversed(points or []):
        try:
            joint = point["id"][0]
            if 0 <= joint < JOINTS:
                persons.points[row, joint] = point["x"][0], point["y"][0]
                persons.scores[row, joint] = point["score"][0] if "score" in point else np.nan
                seen = point.get("is_visible") or [np.nan]
                persons.visible[row, joint] = seen[0] if seen[0] is not None else np.nan
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: 'annopoints': a point needs 'id', 'x', 'y', each in a list of one"
            ) from error


def _number(value: Any, where: str) -> float:
    number = only(value, where)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not np.isfinite(number):
        raise InputError(f"{where}: expected a number, got {number!r}")
    return float(number)
