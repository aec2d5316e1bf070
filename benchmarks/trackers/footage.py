"""People of all frames of a video in one table, with the time of each frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.poses import Poses, tight_boxes

_MARGIN, _LEAST_MARGIN = 0.1, 0.05
"""A person's box is the tight box of the joints, moved out on each side by this share of its width
or height, and by this share of the longer of both at least."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Footage:
    """F frames with M people in all.

    Attributes:
        name: Name of the video.
        pts_s: ``(F,)`` float64, time of each frame in seconds.
        offsets: ``(F + 1,)`` int64; frame f has the rows ``offsets[f]:offsets[f + 1]``.
        people: The M people, frame by frame.
    """

    name: str
    pts_s: NDArray[np.float64]
    offsets: NDArray[np.int64]
    people: Poses

    def __len__(self) -> int:
        return len(self.pts_s)

    def __iter__(self) -> Iterator[tuple[float, Poses]]:
        """Time and people of each frame."""
        for number, pts_s in enumerate(self.pts_s):
            yield float(pts_s), self.people[self.rows(number)]

    def rows(self, frame: int) -> slice:
        """Rows of a frame's people."""
        return slice(int(self.offsets[frame]), int(self.offsets[frame + 1]))

    @property
    def frame_of(self) -> NDArray[np.int64]:
        """``(M,)`` frame of each row."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


def footage(
    name: str, pts_s: NDArray[np.float64], frame_of: NDArray[np.integer], people: Poses
) -> Footage:
    """Sort people by frame; the order within a frame stays.

    Args:
        name: Name of the video.
        pts_s: ``(F,)`` time of each frame in seconds.
        frame_of: ``(M,)`` frame of each person, 0 to F - 1.
        people: The M people.
    """
    counts = np.bincount(frame_of, minlength=len(pts_s))
    order = np.argsort(frame_of, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Footage(name=name, pts_s=pts_s, offsets=offsets, people=people[order])


def thinned(whole: Footage, step: int, first: int = 0) -> Footage:
    """Every ``step``-th frame from frame ``first`` on; times stay."""
    frames = np.arange(first, len(whole), step)
    kept = np.isin(whole.frame_of, frames)
    place = np.searchsorted(frames, whole.frame_of[kept])
    return footage(whole.name, whole.pts_s[frames], place, whole.people[kept])


def person_boxes(keypoints: NDArray[np.floating]) -> NDArray[np.float32]:
    """Boxes ``(M, 4)`` x1 y1 x2 y2 around the joints ``(M, K, 2)``, with a margin."""
    boxes = tight_boxes(np.asarray(keypoints, np.float32))
    sides = boxes[:, 2:] - boxes[:, :2]
    margin = np.maximum(_MARGIN * sides, _LEAST_MARGIN * sides.max(1, keepdims=True))
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], 1)


def person_sizes(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """``(M,)`` square root of the area of each box, pixels."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).astype(np.float64)
    return np.sqrt(sides[:, 0] * sides[:, 1])
