"""What a report tells of a video, read from its summary and its JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.skeletons import SKELETONS
from steadypose.stream.batch.ledger import HIDDEN
from steadypose.stream.batch.manifest import MANIFEST
from steadypose.stream.sources.folders import natural_key

_GAP_S = 0.5
_SUFFIX = ".summary.json"
_NEEDED = {"source", "outcome", "warnings", "frames", "tracks", "people", "fps", "stages"}


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoFacts:
    """What is shown of one video.

    Attributes:
        name: Its results' place below the folder, without suffix.
        summary: Its summary.
        times_s: ``(F,)`` time of each frame in seconds; empty where there are no JSON lines.
        people: ``(F,)`` people in each frame.
        spans: By track id, when the person was there: beginnings and ends in seconds.
        joints: Names of the joints.
        confidence: ``(J, 3)`` quartiles of each joint's score where it is present, 0..1.
        missing: ``(J,)`` share of the people in whom the joint is missing, 0..1.
    """

    name: str
    summary: dict[str, Any]
    times_s: NDArray[np.float64]
    people: NDArray[np.int64]
    spans: dict[int, list[tuple[float, float]]]
    joints: tuple[str, ...]
    confidence: NDArray[np.float64]
    missing: NDArray[np.float64]


def find_summaries(folder: Path) -> list[Path]:
    """All summaries below a folder, in natural order.

    Raises:
        InputError: There are none, and no batch that says why.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found = [p for p in folder.rglob(f"*{_SUFFIX}") if HIDDEN not in p.parts]
    if not found and not (folder / MANIFEST).exists():
        raise InputError(f"{folder}: holds no results (no file ends in {_SUFFIX})")
    return sorted(found, key=natural_key)


def read_unwritten(folder: Path) -> dict[str, str]:
    """Outcome and reason of each video of a batch that has no results, by its name."""
    try:
        videos = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["videos"]
        words = {str(v["name"]): f"{v['outcome']}: {v['reason']}" for v in videos if v["reason"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {name: why for name, why in words.items() if not (folder / f"{name}{_SUFFIX}").exists()}


def read_summary(path: Path) -> dict[str, Any]:
    """A summary.

    Raises:
        InputError: It cannot be read, or is none of ours.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a summary: {error}") from error
    if not isinstance(value, dict) or not value.keys() >= _NEEDED:
        raise InputError(f"{path}: not a summary of Steadypose")
    return value


def read_video(path: Path, root: Path) -> VideoFacts:
    """A video's facts from its summary and, where they are there, the JSON lines beside it.

    Raises:
        InputError: One of the two is damaged.
    """
    summary = read_summary(path)
    stem = path.name.removesuffix(_SUFFIX)
    skeleton = SKELETONS.get(str(summary.get("skeleton")))
    joints = skeleton.keypoints if skeleton else ()
    tally = _Tally(len(joints))
    lines = path.with_name(f"{stem}.jsonl")
    if lines.is_file():
        for number, record in enumerate(_records(lines)):
            try:
                tally.add(record)
            except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
                raise InputError(f"{lines}: line {number + 1} is no frame of ours") from error
    return VideoFacts(
        name=path.relative_to(root).as_posix().removesuffix(_SUFFIX),
        summary=summary,
        times_s=np.array(tally.times_s),
        people=np.array(tally.people, np.int64),
        spans=tally.spans,
        joints=joints,
        confidence=tally.quartiles(),
        missing=tally.missing(),
    )


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


@dataclass
class _Tally:
    """Counts frame by frame; scores go into bins, so that memory does not grow with the people."""

    joints: int
    times_s: list[float] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    spans: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    bins: int = 100

    def __post_init__(self) -> None:
        self._scores = np.zeros((self.joints, self.bins), np.int64)
        self._rows = 0

    def add(self, record: dict[str, Any]) -> None:
        now, persons = float(record["pts_s"]), record["persons"]
        self.times_s.append(now)
        self.people.append(len(persons))
        for person in persons:
            self._rows += 1
            self._note(person["track_id"], now)
            for joint, point in enumerate(person["keypoints"][: self.joints]):
                if point is not None:
                    self._scores[joint, min(int(point[2] * self.bins), self.bins - 1)] += 1

    def quartiles(self) -> NDArray[np.float64]:
        """``(J, 3)`` quartiles, to the width of a bin."""
        total = self._scores.sum(1, keepdims=True)
        share = self._scores.cumsum(1) / np.maximum(total, 1)
        places = [np.argmax(share >= q, axis=1) + 0.5 for q in (0.25, 0.5, 0.75)]
        return np.where(total > 0, np.stack(places, 1) / self.bins, 0.0)

    def missing(self) -> NDArray[np.float64]:
        seen: NDArray[np.float64] = self._scores.sum(1) / max(self._rows, 1)
        return 1 - seen

    def _note(self, track_id: int | None, now: float) -> None:
        if track_id is None:
            return
        spans = self.spans.setdefault(track_id, [])
        if spans and 0 <= now - spans[-1][1] <= _GAP_S:
            spans[-1] = (spans[-1][0], now)
        else:
            spans.append((now, now))
