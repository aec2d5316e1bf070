"""How far two runs over a video agree: in poses with each other, in identities with a third."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.errors import InputError
from steadypose.geometry import box_iou, oks
from steadypose.poses import Poses
from steadypose.trackers.observations import AREA_SHARE

_SAME_OKS = 0.5
_SAME_IOU = 0.5

Boxes = tuple[NDArray[np.int64], NDArray[np.floating]]
"""Ids ``(N,)`` and boxes ``(N, 4)`` of a frame."""


def compare(always: Sequence[Poses], other: Sequence[Poses]) -> tuple[float, float]:
    """Mean OKS of the people of both, frame by frame, and their share of ``always``'s people."""
    found = np.concatenate([_same(a, b) for a, b in zip(always, other, strict=True)])
    total = sum(len(people) for people in always)
    mean = float(found.mean()) if len(found) else float("nan")
    return round(mean, 4), round(len(found) / max(total, 1), 4)


def _same(one: Poses, other: Poses) -> NDArray[np.float64]:
    """OKS of the people who are in both, one to one."""
    sides = one.boxes[:, 2:] - one.boxes[:, :2]
    areas = AREA_SHARE * sides.prod(1)
    similar = oks(other.keypoints, one.keypoints, areas, one.skeleton.sigmas)
    rows, columns = linear_sum_assignment(-similar)
    values: NDArray[np.float64] = similar[rows, columns]
    return values[values >= _SAME_OKS]


def switches(true: dict[int, Boxes], found: dict[int, Boxes]) -> int:
    """Identity switches as CLEAR MOT counts them.

    A true person keeps the found one of the frame before while their boxes overlap by an IoU of
    0.5; the others are matched so that the most overlap. A switch is a match with another id than
    the last one. Frames that have no truth are left out.
    """
    last: dict[int, int] = {}
    count = 0
    for frame in sorted(true.keys() & found.keys()):
        (names, boxes), (ids, places) = true[frame], found[frame]
        overlap = box_iou(boxes, places)
        kept = np.array([[last.get(n) == i for i in ids.tolist()] for n in names.tolist()], bool)
        worth = np.where(overlap >= _SAME_IOU, overlap + kept.reshape(overlap.shape), 0)
        rows, columns = linear_sum_assignment(-worth)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if worth[row, column] > 0:
                name, identity = int(names[row]), int(ids[column])
                count += last.get(name, identity) != identity
                last[name] = identity
    return count


def read_truth(path: Path) -> dict[int, Boxes]:
    """People of a MOTChallenge file: lines of frame (from 1), id, x, y, width, height, valid.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a MOTChallenge file: {error}") from error
    if table.shape[1] < 6:
        raise InputError(f"{path}: expected 6 or more columns, got {table.shape[1]}")
    if table.shape[1] > 6:
        table = table[table[:, 6] != 0]
    boxes = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], 1)
    frames, ids = table[:, 0].astype(np.int64) - 1, table[:, 1].astype(np.int64)
    return {int(f): (ids[frames == f], boxes[frames == f]) for f in np.unique(frames)}
