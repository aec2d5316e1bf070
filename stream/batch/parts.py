"""The results of a part of a split video, as arrays in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError, OutputError
from steadypose.frame import Frame
from steadypose.poses import Poses
from steadypose.skeletons import Skeleton, get_skeleton
from steadypose.stream.records import FrameResult, SourceInfo

_POSES = ("keypoints", "scores", "boxes", "box_scores", "track_ids")


class PartWriter:
    """Collects results without their pictures, in memory, and writes them at once.

    Args:
        skeleton: That of the results.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
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
        people = Poses.concatenate(self._poses, self._skeleton)
        source = asdict(info) | {"time_base": str(info.time_base)}
        text = {"skeleton": self._skeleton.name, "source": source, **facts}
        arrays: dict[str, Any] = {name: getattr(people, name) for name in _POSES}
        arrays["counts"] = np.array([len(poses) for poses in self._poses], np.int64)
        arrays |= {"facts": json.dumps(text), "frames": json.dumps(self._frames)}
        part = path.with_name(path.name + ".part.npz")
        try:
            np.savez(part, **arrays)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


@dataclass(frozen=True, kw_only=True, eq=False)
class PartFacts:
    """What a part's file says beside its results.

    Attributes:
        info: The source.
        skeleton: Name of that of the poses.
        facts: What ``PartWriter.save`` was given.
    """

    info: SourceInfo
    skeleton: str
    facts: dict[str, Any]


def read_facts(path: Path) -> PartFacts:
    """What a ``PartWriter`` wrote, without the results. Raises as ``read_results``."""
    facts = json.loads(str(_read(path, "facts")["facts"]))
    source, skeleton = facts.pop("source"), facts.pop("skeleton")
    base = source["time_base"]
    source["time_base"] = None if base == "None" else Fraction(base)
    return PartFacts(info=SourceInfo(**source), skeleton=skeleton, facts=facts)


def read_results(path: Path) -> tuple[FrameResult, ...]:
    """The results that a ``PartWriter`` wrote, one a frame, in order; their pictures are black.

    Raises:
        InputError: The file is missing or damaged.
    """
    about = read_facts(path)
    arrays = _read(path, "counts", "frames", *_POSES)
    frames = json.loads(str(arrays["frames"]))
    return tuple(_results(arrays, frames, about.skeleton, about.info.name))


def _read(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"{path}: not the results of a part: {error}") from error


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
