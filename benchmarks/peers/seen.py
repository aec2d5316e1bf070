"""What a system found: people by frame or by picture, and the forms it is read from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.skeletons import COCO17

NOBODY = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """The N people of a frame.

    Attributes:
        keypoints: ``(N, 17, 3)`` float64 x, y in pixels and score; 0 where a joint is missing.
        boxes: ``(N, 4)`` float64 x1 y1 x2 y2.
        scores: ``(N,)`` float64 of the person.
        ids: ``(N,)`` int64; below 0 for none.
    """

    keypoints: NDArray[np.float64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)


def seen(
    people: Sequence[Mapping[str, Any]], *, identity: str = "id", score: str = "score"
) -> Seen:
    """People from records with ``keypoints``, ``box`` and what identity and score are called."""
    joints = [[joint or (0, 0, 0) for joint in person["keypoints"]] for person in people]
    ids = [NOBODY if person[identity] is None else person[identity] for person in people]
    return Seen(
        keypoints=np.array(joints, float).reshape(-1, len(COCO17), 3),
        boxes=np.array([person["box"] for person in people], float).reshape(-1, 4),
        scores=np.array([person[score] for person in people], float),
        ids=np.array(ids, np.int64),
    )


def read_program(path: Path) -> dict[str, Seen]:
    """People by frame number or picture name, as ``programs/program.py`` writes them."""
    return {line["name"]: seen(line["people"]) for line in _lines(path)}


def read_steadypose(path: Path) -> dict[str, Seen]:
    """People by frame number, as ``steadypose track --format jsonl`` writes them."""
    return {
        str(line["index"]): seen(line["persons"], identity="track_id", score="box_score")
        for line in _lines(path)
    }


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not what was to be written: {error}") from error


def read_labels(text: str, size: tuple[int, int]) -> Seen:
    """People of a label file of ``yolo ... save_txt=True save_conf=True``.

    A line is class, box (x and y of the centre, width, height), 17 joints (x, y, score), score and,
    where it was tracked, id; lengths in shares of the picture's.

    Args:
        text: The file's content.
        size: Width and height of the picture in pixels.

    Raises:
        InputError: A line has another number of values.
    """
    joints = 3 * len(COCO17)
    rows = [[float(value) for value in line.split()] for line in text.splitlines()]
    for row in rows:
        if len(row) not in (joints + 6, joints + 7):
            raise InputError(f"expected {joints + 6} or {joints + 7} values a line, got {len(row)}")
    table = np.array([row[: joints + 6] for row in rows]).reshape(-1, joints + 6)
    scale = np.array(size, float)
    centres, sides = table[:, 1:3] * scale, table[:, 3:5] * scale
    keypoints = table[:, 5 : 5 + joints].reshape(-1, len(COCO17), 3).copy()
    keypoints[..., :2] *= scale
    return Seen(
        keypoints=keypoints,
        boxes=np.concatenate([centres - sides / 2, centres + sides / 2], 1),
        scores=table[:, -1],
        ids=np.array([int(r[-1]) if len(r) > joints + 6 else NOBODY for r in rows], np.int64),
    )
