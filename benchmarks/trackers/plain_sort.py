"""SORT as its paper has it (Bewley et al., ICIP 2016, arXiv 1602.00763), on filterpy's filters.

The plain yardstick: boxes alone, one Kalman filter a track, IoU, the optimal assignment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.errors import InputError
from steadypose.geometry import box_iou

Floats = NDArray[np.float64]

NOBODY = -1


class _Track:
    """State u, v (centre), s (area), r (aspect, constant) and the speeds of the first three."""

    def __init__(self, box: Floats) -> None:
        self.filter = _new_filter(_measured(box))
        self.hits, self.unseen, self.id = 1, 0, NOBODY

    def predict(self) -> Floats:
        state = self.filter.x
        if state[2, 0] + state[6, 0] <= 0:
            state[6, 0] = 0
        self.filter.predict()
        self.unseen += 1
        return _box(self.filter.x[:4, 0])

    def update(self, box: Floats) -> None:
        self.filter.update(_measured(box).reshape(4, 1))
        self.hits = self.hits + 1 if self.unseen <= 1 else 1
        self.unseen = 0


class PlainSort:
    """SORT.

    Args:
        max_age: Frames after which an unseen track ends.
        min_hits: Sightings in a row that a track must have to be told; none in the first frames.
        min_iou: Least overlap of a match.
        min_score: Person score below which an observation is ignored.
    """

    def __init__(
        self, max_age: int = 1, min_hits: int = 3, min_iou: float = 0.3, min_score: float = 0.4
    ) -> None:
        self.max_age, self.min_hits = max_age, min_hits
        self.min_iou, self.min_score = min_iou, min_score
        self._tracks: list[_Track] = []
        self._frames = self._next_id = 0

    def update(self, boxes: Floats, scores: Floats) -> NDArray[np.int64]:
        """Ids ``(N,)`` of the boxes ``(N, 4)`` of the next frame; ``NOBODY`` for none."""
        self._frames += 1
        ids = np.full(len(boxes), NOBODY, np.int64)
        rows = np.flatnonzero(scores >= self.min_score)
        predicted = np.array([track.predict() for track in self._tracks]).reshape(-1, 4)
        overlap = box_iou(predicted, boxes[rows])
        first, second = linear_sum_assignment(overlap, maximize=True)
        fit = overlap[first, second] >= self.min_iou
        found = {
            int(rows[j]): self._tracks[i] for i, j in zip(first[fit], second[fit], strict=True)
        }
        for row in rows.tolist():
            if row in found:
                found[row].update(boxes[row])
            else:
                found[row] = _Track(boxes[row])
                self._tracks.append(found[row])
            ids[row] = self._told(found[row])
        self._tracks = [track for track in self._tracks if track.unseen <= self.max_age]
        return ids

    def _told(self, track: _Track) -> int:
        if track.hits < self.min_hits and self._frames > self.min_hits and track.id == NOBODY:
            return NOBODY
        if track.id == NOBODY:
            self._next_id += 1
            track.id = self._next_id
        return track.id


def _new_filter(measured: Floats) -> Any:
    try:
        from filterpy.kalman import KalmanFilter
    except ImportError as error:
        raise InputError("plain SORT needs filterpy: pip install filterpy") from error
    kalman = KalmanFilter(dim_x=7, dim_z=4)
    kalman.F = np.eye(7) + np.eye(7, k=4)
    kalman.H = np.eye(4, 7)
    size = np.sqrt(measured[2])
    # Standard deviations in pixels and pixels per frame, after the size of the person.
    unit = np.array([size, size, 2 * measured[2], measured[3]])
    kalman.R = np.diag((0.05 * unit) ** 2)
    kalman.Q = np.diag(np.concatenate([0.02 * unit, 0.02 * unit[:3]]) ** 2)
    kalman.P = np.diag(np.concatenate([0.1 * unit, 0.5 * unit[:3]]) ** 2)
    kalman.x[:4, 0] = measured
    return kalman


def _measured(box: Floats) -> Floats:
    width, height = np.maximum(box[2:] - box[:2], 1e-3)
    return np.array([*(box[:2] + box[2:]) / 2, width * height, width / height])


def _box(state: Floats) -> Floats:
    area, aspect = np.maximum(state[2:4], 1e-6)
    half = np.array([np.sqrt(area * aspect), np.sqrt(area / aspect)]) / 2
    return np.concatenate([state[:2] - half, state[:2] + half])
