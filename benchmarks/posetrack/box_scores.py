"""The boxes of a clip, for the metrics of tracked boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import Clip, Floats
from steadypose.benchmarks.posetrack.metrics import BoxFrame
from steadypose.benchmarks.posetrack.regions import in_any
from steadypose.benchmarks.posetrack.scenes import paired


def box_frames(truth: Clip, found: Clip) -> tuple[list[BoxFrame], list[BoxFrame]]:
    """The boxes in the labelled frames, of truth and of predictions.

    Who has no box gets that of the joints. Boxes whose middle lies in an ignore region are left
    out on both sides. Images are paired by id or picture.

    Raises:
        InputError: An image of the truth has no counterpart.
    """
    found = paired(truth, found, by_position=False)
    labelled = np.flatnonzero(truth.images.labelled)
    regions = truth.images.regions
    sides = []
    for clip in (truth, found):
        boxes, rows = boxes_of(clip), clip.by_image()
        sides.append(
            [_frame(clip.persons.track_ids[rows[i]], boxes[rows[i]], regions[i]) for i in labelled]
        )
    return sides[0], sides[1]


def boxes_of(clip: Clip) -> Floats:
    """``(N, 4)`` x1 y1 x2 y2 in pixels: given, else of the joints, else NaN."""
    there = clip.persons.there[..., None]
    points = clip.persons.points
    low = np.where(there, points, np.inf).min(1)
    high = np.where(there, points, -np.inf).max(1)
    tight = np.concatenate([low, high], 1)
    tight[~np.isfinite(tight).all(1)] = np.nan
    given = np.isfinite(clip.persons.boxes).all(1, keepdims=True)
    return np.where(given, clip.persons.boxes, tight)


def _frame(ids: NDArray[np.int64], boxes: Floats, regions: tuple[Floats, ...]) -> BoxFrame:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    use = np.isfinite(boxes).all(1) & ~in_any(middle, regions)
    return BoxFrame(ids[use], boxes[use])
