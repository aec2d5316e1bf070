"""What the tracker expects to see at a given time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """T tracks moved on to one time, as a struct of read-only arrays in pixels of the frame.

    Attributes:
        pts_s: The time they hold for, in seconds.
        epoch: Stretch of the source they belong to: a reconnect or a scene cut begins another.
        track_ids: ``(T,)`` int64; ``NO_TRACK`` for a track that is not confirmed.
        boxes: ``(T, 4)`` float64, x1 y1 x2 y2.
        box_scores: ``(T,)`` float64, the person score of the last detection.
        pose_scores: ``(T,)`` float64, the usual mean joint score of the track's poses.
        keypoints: ``(T, K, 2)`` float64; NaN where a joint was never seen or is forgotten.
        scores: ``(T, K)`` float64, the joint's score when it was last seen; 0 where missing. It
            fades while the person is lost.
        keypoint_var: ``(T, K)`` float64, variance of each predicted coordinate, px^2; NaN where
            missing.
        centre_var: ``(T,)`` float64, variance of each coordinate of the box's centre, px^2.
        velocity: ``(T, 2)`` float64, of the box's centre, px/s.
        velocity_var: ``(T,)`` float64, variance of each of its coordinates, (px/s)^2.
        appearance: ``(T, D)`` float64, what the person looks like; NaN where unknown.
        unseen_s: ``(T,)`` float64, seconds since the track was last observed.
        confirmed: ``(T,)`` bool, whether the track has an id.
        followed: ``(T,)`` bool, whether a crop at the predicted box is worth its cost.
    """

    pts_s: float
    epoch: int
    track_ids: NDArray[np.int64]
    boxes: Array
    box_scores: Array
    pose_scores: Array
    keypoints: Array
    scores: Array
    keypoint_var: Array
    centre_var: Array
    velocity: Array
    velocity_var: Array
    appearance: Array
    unseen_s: Array
    confirmed: NDArray[np.bool_]
    followed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Predictions:
        """The tracks picked by a slice, a mask or an array of rows."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        picked: dict[str, Any] = {k: v[rows] for k, v in values.items() if hasattr(v, "shape")}
        return replace(self, **picked)

    @cached_property
    def sizes(self) -> Array:
        """``(T,)`` person sizes in pixels: the square root of the area of the box."""
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        return np.sqrt(sides[:, 0] * sides[:, 1])
