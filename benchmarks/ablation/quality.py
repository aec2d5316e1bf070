"""What a run over a clip is worth: ids against a truth, poses against another run, jitter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.agreement import Boxes
from steadypose.benchmarks.posetrack.metrics.boxes import BoxFrame, evaluate_boxes
from steadypose.engines.refiner.refine import in_coco19
from steadypose.poses import Poses


def same_joints(people: Sequence[Poses]) -> list[Poses]:
    """All in COCO-19, with a refiner or without, so that they can be compared."""
    return [in_coco19(poses) for poses in people]


def idf1(true: dict[int, Boxes], found: dict[int, Boxes]) -> float:
    """IDF1 of boxes in percent, at an IoU of 0.5, in the frames that have a truth."""
    frames = sorted(true.keys() & found.keys())
    truth = [BoxFrame(*true[frame]) for frame in frames]
    scores = evaluate_boxes(truth, [BoxFrame(*found[frame]) for frame in frames])
    return float(scores.identity.f1()[0])


def jitter(people: Sequence[Poses], min_score: float = 0.3) -> float:
    """Mean second difference of joints from frame to frame, in percent of the person's height.

    Of people seen in three frames in a row, and of their joints that are there in all three with
    at least ``min_score``. People who move add to it, so that only runs over the same frames
    compare. NaN where there is nobody for so long.
    """
    found = [
        _second_difference(*three, min_score)
        for three in zip(people, people[1:], people[2:], strict=False)
    ]
    values = np.concatenate(found) if found else np.empty(0)
    return 100 * float(values.mean()) if len(values) else float("nan")


def _second_difference(
    before: Poses, now: Poses, after: Poses, min_score: float
) -> NDArray[np.float64]:
    """Of each joint of the people of all three frames, in heights of their boxes."""
    ids = set(before.track_ids) & set(now.track_ids) & set(after.track_ids)
    parts = []
    for poses in (before, now, after):
        place = poses.track_ids.tolist().index
        parts.append(poses[[place(each) for each in sorted(ids)]])
    first, middle, last = (part.keypoints.astype(np.float64) for part in parts)
    heights = np.maximum(parts[1].boxes[:, 3] - parts[1].boxes[:, 1], 1e-6)
    size = np.linalg.norm(first - 2 * middle + last, axis=2) / heights[:, None]
    sure = np.min([part.scores for part in parts], axis=0) >= min_score
    kept: NDArray[np.float64] = size[sure & np.isfinite(size)]
    return kept
