"""Any of the formats, told apart by what is in the file; and what every clip must hold to."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from steadypose.benchmarks.posetrack.clip import Clip, Persons
from steadypose.benchmarks.posetrack.formats.fields import Record, numbers, optional, whole_number
from steadypose.benchmarks.posetrack.formats.posetrack17 import clip_of
from steadypose.benchmarks.posetrack.formats.posetrack18 import clips_of, corners
from steadypose.engines.refiner.data.reading import parse_json, read_records
from steadypose.errors import InputError
from steadypose.mapping import map_poses
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import POSETRACK15, Skeleton


def clip_files(path: Path, *, by_name: bool = True) -> list[Path]:
    """The ``.json`` files of a folder by name, or as the folder lists them; or the one file.

    Raises:
        InputError: There is none.
    """
    if path.is_file():
        return [path]
    files = list(path.glob("*.json")) if path.is_dir() else []
    if by_name:
        files.sort()
    if not files:
        what = "holds no .json file" if path.is_dir() else "no such file or folder"
        raise InputError(f"{path}: {what}")
    return files


def read_clips(path: Path) -> list[Clip]:
    """The clips of one file of PoseTrack 2017, 2018 or PoseTrack21; mostly one.

    Raises:
        InputError: The file cannot be used; the line names file, image and field.
    """
    with _no_collection():
        clips = _parsed_clips(path)
    for clip in clips:
        _check_ids(clip)
    return clips


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from searching for garbage meanwhile.

    A file's JSON is a million small objects, none of them garbage yet; the search takes as long as
    parsing them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parsed_clips(path: Path) -> list[Clip]:
    content = parse_json(path)
    if isinstance(content, list):
        raise InputError(
            f"{path}: a list, as COCO results are; they can be predictions for ground truth only"
        )
    if not isinstance(content, dict) or not {"annolist", "images"} & set(content):
        raise InputError(f"{path}: neither 'annolist' (PoseTrack 2017) nor 'images' (2018) in it")
    return [clip_of(content, path)] if "annolist" in content else clips_of(content, path)


def is_results(path: Path) -> bool:
    """Whether a file is a list, as COCO results are."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"[")


def read_results(path: Path, truth: Sequence[Clip], skeleton: Skeleton) -> list[Clip]:
    """COCO keypoint results as predictions for the images of ``truth``.

    A record has ``image_id``, ``keypoints`` (x, y, score for each joint), ``score`` and maybe
    ``track_id``. Joints that PoseTrack has and the skeleton lacks are derived by the rules of
    ``steadypose.mapping``.

    Args:
        path: The file.
        truth: The clips; their images' ids must be unique.
        skeleton: The joints of the file, in their order.

    Raises:
        InputError: A field is missing or cannot be used, or an image is unknown.
    """
    records = read_records(path)
    place = {int(i): (c, n) for c, clip in enumerate(truth) for n, i in enumerate(clip.images.ids)}
    people: dict[tuple[int, int], list[Record]] = defaultdict(list)
    for number, record in enumerate(records):
        where = place.get(record.get("image_id", -1))
        if where is None:
            raise InputError(
                f"{path}: result {number}: 'image_id' {record.get('image_id')}: no such image in "
                "the ground truth"
            )
        people[where].append(record)
    clips = []
    for c, clip in enumerate(truth):
        there = [people.get((c, n), []) for n in range(len(clip.images))]
        clips.append(replace(clip, source=path, persons=_results(there, skeleton, path)))
        _check_ids(clips[-1])
    return clips


def _results(people: list[list[Record]], skeleton: Skeleton, path: Path) -> Persons:
    records = [record for there in people for record in there]
    persons = Persons.blank([image for image, there in enumerate(people) for _ in there])

    def name(i: int) -> str:
        return f"{path}: image {records[i].get('image_id')}"

    table = numbers(records, "keypoints", 3 * len(skeleton), name).reshape(-1, len(skeleton), 3)
    table[~table.any(-1)] = np.nan
    poses = map_poses(Poses.create(table[..., :2], table[..., 2], skeleton=skeleton), POSETRACK15)
    scored = optional(records, "score", 1, name)[:, 0]
    ids = [
        NO_TRACK if r.get("track_id") is None else whole_number(r, "track_id", name(i))
        for i, r in enumerate(records)
    ]
    return replace(
        persons,
        track_ids=np.array(ids, np.int64),
        points=poses.keypoints.astype(np.float64),
        scores=np.where(poses.present, poses.scores, np.nan),
        visible=np.where(poses.present, 1.0, np.nan),
        boxes=corners(optional(records, "bbox", 4, name)),
        person_scores=scored,
    )


def _check_ids(clip: Clip) -> None:
    """An id may be there once in an image. Raises InputError."""
    for image, rows in enumerate(clip.by_image()):
        ids = clip.persons.track_ids[rows]
        known, count = np.unique(ids[ids != NO_TRACK], return_counts=True)
        if (count > 1).any():
            raise InputError(
                f"{clip.where(image)}: 'track_id' {known[count > 1][0]} occurs twice; an id may be "
                "there once in an image"
            )
