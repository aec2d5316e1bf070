"""The results of a part of a split video, as arrays in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError, OutputError
from steadypose.frame import Frame
from steadypose.poses import Poses
from steadypose.skeletons import get_skeleton
from steadypose.stream.records import FrameResult, SourceInfo

_POSES = ("keypoints", "scores", "boxes", "box_scores", "track_ids")


class PartWriter:
    """Collects results without their pictures, in memory, and writes them at once."""

    def __init__(self) -> None:
        self._frames: list[dict[str, Any]] = []
        self._poses: list[Poses] = []

    def add(self, result: FrameResult) -> None:
        """Take the next frame's result."""
        frame = result.frame
        self._frames.append(
            {
                "index": frame.index,
                "pts": frame.pts,
                "pts_s": frame.pts_s,
                "size": (frame.width, frame.height),
                "detected": result.detected,
                "stage_s": result.stage_s,
                "age_s": result.age_s,
            }
        )
        self._poses.append(result.poses)

    def save(self, path: Path, info: SourceInfo, facts: dict[str, Any]) -> None:
        """Write the file.

        Args:
            path: Its name, which must end in ``.npz``.
            info: The source.
            facts: Further plain values: ``warnings``, ``error``, ``elapsed_s``.

        Raises:
            OutputError: It cannot be written.
        """
        skeleton = self._poses[0].skeleton
        people = Poses.concatenate(self._poses, skeleton)
        source = asdict(info) | {"time_base": str(info.time_base)}
        text = {"frames": self._frames, "skeleton": skeleton.name, "source": source, **facts}
        counts = np.array([len(poses) for poses in self._poses], np.int64)
        arrays = {name: getattr(people, name) for name in _POSES}
        part = path.with_name(path.name + ".part.npz")
        try:
            np.savez(part, counts=counts, facts=np.array(json.dumps(text)), **arrays)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


@dataclass(frozen=True, kw_only=True, eq=False)
class PartResults:
    """What a ``PartWriter`` wrote.

    Attributes:
        info: The source.
        facts: What ``save`` was given.
        results: A result a frame, in order; their pictures are black.
    """

    info: SourceInfo
    facts: dict[str, Any]
    results: tuple[FrameResult, ...]

    @classmethod
    def load(cls, path: Path) -> PartResults:
        """Read the file.

        Raises:
            InputError: It is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            facts = json.loads(str(arrays["facts"]))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: not the results of a part: {error}") from error
        source = facts.pop("source")
        base = source["time_base"]
        source["time_base"] = None if base == "None" else Fraction(base)
        results = tuple(_results(arrays, facts.pop("frames"), facts["skeleton"], source["name"]))
        return cls(info=SourceInfo(**source), facts=facts, results=results)


def _results(
    arrays: dict[str, NDArray[Any]], frames: list[dict[str, Any]], skeleton: str, source: str
) -> Iterator[FrameResult]:
    people = Poses(skeleton=get_skeleton(skeleton), **{name: arrays[name] for name in _POSES})
    ends = np.cumsum(arrays["counts"]).tolist()
    for values, start, end in zip(frames, [0, *ends], ends, strict=False):
        width, height = values.pop("size")
        black = np.broadcast_to(np.zeros(1, np.uint8), (height, width, 3))
        detected, stage_s = values.pop("detected"), values.pop("stage_s")
        age_s = values.pop("age_s")
        frame = Frame(image=black, source=source, captured_s=0.0, **values)
        yield FrameResult(
            frame=frame,
            poses=people[start:end],
            detected=detected,
            stage_s=stage_s,
            age_s=age_s,
        )
