"""The pipeline over one sequence of a tree, and what becomes of its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import Clip, Persons
from steadypose.benchmarks.posetrack.convert import renumbered
from steadypose.benchmarks.posetrack.sources import AnnotatedBoxes, SequenceSource
from steadypose.benchmarks.posetrack.tree import Sequence
from steadypose.errors import SourceError
from steadypose.mapping import map_poses
from steadypose.poses import Poses
from steadypose.skeletons import POSETRACK15
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.interrupt import stop_on_signal
from steadypose.stream.pipeline import Pipeline

LEAST_PX = 0.01
"""PoseTrack21's tool takes a joint with x or y at or below 0 for a missing one."""


def track(
    sequence: Sequence,
    room: EngineRoom,
    *,
    annotated_boxes: bool,
    fps: float,
    notice: Callable[[int], None],
) -> Clip:
    """Predictions for every image of a sequence, as the benchmark wants them.

    With annotated boxes only the labelled images are looked at, as the others have none.

    Args:
        sequence: What to track.
        room: Networks and settings.
        annotated_boxes: Look for people in the annotated boxes.
        fps: Frames per second of the sequence.
        notice: Called with the number of people of each frame.

    Raises:
        SourceError: A picture is damaged.
        KeyboardInterrupt: The user asked for an end.
    """
    rows = np.arange(len(sequence.pictures))
    if annotated_boxes:
        rows = rows[sequence.clip.images.labelled]
        room = replace(room, detector=AnnotatedBoxes(sequence.clip, rows))
    run = Pipeline(room=room).run(SequenceSource(sequence, rows, fps))
    people: dict[int, Poses] = {}
    with stop_on_signal(run.stop) as asked:
        for result in run:
            people[int(rows[result.frame.index])] = result.poses
            notice(len(result.poses))
    if asked.is_set():
        raise KeyboardInterrupt
    if len(people) != len(rows):
        raise SourceError(f"{sequence.clip.source}: {len(people)} of {len(rows)} frames tracked")
    return predictions(sequence.clip, people)


def predictions(clip: Clip, people: dict[int, Poses]) -> Clip:
    """Tracked poses of images, by row, as a clip; ids from 1, joints within the picture."""
    rows = sorted(people)
    poses = [map_poses(people[row], POSETRACK15) for row in rows]
    together = Poses.concatenate(poses, POSETRACK15)
    image = np.repeat(np.array(rows, np.intp), [len(each) for each in poses])
    there = together.present
    persons = replace(
        Persons.blank(image),
        track_ids=together.track_ids,
        points=np.where(
            there[..., None], np.maximum(_rounded(together.keypoints, 2), LEAST_PX), np.nan
        ),
        scores=np.where(there, np.maximum(_rounded(together.scores, 4), 1e-4), np.nan),
        boxes=_rounded(together.boxes, 2),
        person_scores=_rounded(together.box_scores, 4),
    )
    images = replace(clip.images, regions=((),) * len(clip.images))
    return renumbered(replace(clip, images=images, persons=persons))


def _rounded(values: NDArray[np.float32], decimals: int) -> NDArray[np.float64]:
    return np.asarray(np.round(values.astype(np.float64), decimals), np.float64)
