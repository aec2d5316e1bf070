"""True identities: PoseTrack 2018 and 2017 annotation files, and which videos are tuned on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.footage import Footage, footage, person_boxes
from steadypose.engines.refiner.data.reading import (
    numbers_of,
    read_json,
    records_of,
    value_of,
)
from steadypose.errors import InputError
from steadypose.poses import Poses
from steadypose.skeletons import POSETRACK15, POSETRACK17, Skeleton

ANNOTATED_FPS = 25.0
"""PoseTrack's files give no frame rate; its videos have about this one."""

_HEAD_SHARE = 0.6
"""PCKh's head length as a share of the diagonal of the head box (MPII, Andriluka et al. 2014)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """A video's annotations.

    Attributes:
        footage: The people, with their true ids from 1 on; boxes are those of the joints.
        heads: ``(M,)`` float64 head length in pixels; NaN where the file has no head box.
    """

    footage: Footage
    heads: NDArray[np.float64]


_Row = tuple[int, int, NDArray[np.float64], float]
"""Frame, id, joints ``(K, 3)`` with 0 as third value where not labelled, head length."""


def load_truth(folder: Path) -> list[Truth]:
    """Every video of a PoseTrack tree, by name; those without people are left out.

    Args:
        folder: Holds a ``.json`` file a video, itself or in its sub-folders; or one file.

    Raises:
        InputError: No such files, or one that cannot be used.
    """
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.json"))
    if not files:
        raise InputError(f"{folder}: no PoseTrack annotations (.json) in it")
    videos = [_load(path, _name(path, folder)) for path in files]
    found = [video for video in videos if len(video.footage.people)]
    if not found:
        raise InputError(f"{folder}: no annotated people with identities")
    return found


def is_for_tuning(name: str) -> bool:
    """Whether a video may be tuned on; the others are held out.

    ``train`` in the name of the file or of its folder says so; where neither that nor ``val`` or
    ``test`` occurs, a fixed half, by the SHA-256 of the name.
    """
    lower = name.lower()
    if "train" in lower:
        return True
    if "val" in lower or "test" in lower:
        return False
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


def _name(path: Path, folder: Path) -> str:
    inner = path.name if folder.is_file() else path.relative_to(folder).as_posix()
    return inner.removesuffix(".json")


def _load(path: Path, name: str) -> Truth:
    content = read_json(path)
    if "annolist" in content:
        frames, rows, skeleton = _annolist(content, path)
    else:
        frames, rows, skeleton = _posetrack18(content, path)
    rows = [row for row in rows if _has_extent(row[2])]
    joints = np.array([row[2] for row in rows]).reshape(-1, len(skeleton), 3)
    points = np.where(joints[..., 2:] > 0, joints[..., :2], np.nan)
    _, ids = np.unique([row[1] for row in rows], return_inverse=True)
    people = Poses.create(points, track_ids=ids + 1, boxes=person_boxes(points), skeleton=skeleton)
    frame_of = np.array([row[0] for row in rows], np.int64)
    order = np.argsort(frame_of, kind="stable")
    return Truth(
        footage=footage(name, np.arange(frames) / ANNOTATED_FPS, frame_of, people),
        heads=np.array([row[3] for row in rows])[order],
    )


def _has_extent(joints: NDArray[np.float64]) -> bool:
    """Whether the labelled joints are not all at one place, so that there is a box."""
    points = joints[joints[:, 2] > 0, :2]
    return len(points) > 1 and bool(np.ptp(points, axis=0).any())


def _posetrack18(content: dict[str, Any], path: Path) -> tuple[int, list[_Row], Skeleton]:
    """Frames from the first labelled to the last, as PoseTrack labels a stretch of each video."""
    images = records_of(content, "images", path)
    labelled = [image for image in images if image.get("is_labeled", True)]
    order = {value_of(image, "id", f"{path}: image"): i for i, image in enumerate(labelled)}
    rows: list[_Row] = []
    for record in records_of(content, "annotations", path):
        where = f"{path}: annotation {record.get('id', '?')}"
        frame = order.get(value_of(record, "image_id", where))
        if frame is None or "keypoints" not in record:
            continue
        joints = numbers_of(record, "keypoints", 3 * len(POSETRACK17), where).reshape(-1, 3)
        head = record.get("bbox_head")
        sides = numbers_of(record, "bbox_head", 4, where)[2:] if head else np.full(2, np.nan)
        track = int(value_of(record, "track_id", where))
        rows.append((frame, track, joints.astype(float), _head_length(sides)))
    return len(labelled), rows, POSETRACK17


def _annolist(content: dict[str, Any], path: Path) -> tuple[int, list[_Row], Skeleton]:
    frames = records_of(content, "annolist", path)
    rows: list[_Row] = []
    for number, frame in enumerate(frames):
        for person in frame.get("annorect") or []:
            where = f"{path}: annolist {number}"
            track = int(_scalar(value_of(person, "track_id", where)))
            joints = np.zeros((len(POSETRACK15), 3))
            for point in _points(person):
                joints[int(_scalar(point["id"]))] = (_scalar(point["x"]), _scalar(point["y"]), 1)
            corners = np.array([_scalar(person.get(k, np.nan)) for k in ("x1", "y1", "x2", "y2")])
            rows.append((number, track, joints, _head_length(corners[2:] - corners[:2])))
    return len(frames), rows, POSETRACK15


def _points(person: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for group in person.get("annopoints") or []:
        yield from group.get("point") or []


def _scalar(value: Any) -> float:
    """PoseTrack 2017 wraps single values into lists."""
    return float(value[0] if isinstance(value, Sequence) else value)


def _head_length(sides: NDArray[np.floating]) -> float:
    return float(_HEAD_SHARE * np.hypot(*sides)) if (sides > 0).all() else float("nan")
