"""Frame results for the tests of sinks: people of every kind that a file must be able to hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from steadypose.frame import Frame
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import COCO17, Skeleton
from steadypose.stream.records import FrameResult, Sink

SIZE = (128, 96)


def people(count: int, seed: int = 0, skeleton: Skeleton = COCO17) -> Poses:
    """People with random joints; of the first the nose is missing, the last has no identity."""
    random = np.random.default_rng(seed)
    points = random.uniform(5, 90, (count, len(skeleton), 2))
    scores = random.uniform(0.3, 1, (count, len(skeleton)))
    ids = np.arange(1, count + 1)
    if count:
        scores[0, skeleton.index("nose")] = 0
        ids[-1] = NO_TRACK
    return Poses.create(points, scores, track_ids=ids, skeleton=skeleton)


def result(
    index: int, poses: Poses, *, pts: int | None = None, file_name: str | None = None
) -> FrameResult:
    """A result for a grey frame at ``index / 25`` seconds."""
    image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    frame = Frame(
        index=index,
        pts_s=index / 25,
        captured_s=index * 0.017,
        image=image,
        source="clip.mp4",
        pts=index if pts is None else pts,
        file_name=file_name,
    )
    return FrameResult(frame=frame, poses=poses, detected=index % 2 == 0, stage_s={"track": 0.1})


def write_all(sinks: Sequence[Sink], results: Sequence[FrameResult]) -> None:
    """Write every result to every sink and close them."""
    for item in results:
        for sink in sinks:
            sink.write(item)
    for sink in sinks:
        sink.close({})


def names(folder: Path) -> list[str]:
    """What lies in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())
