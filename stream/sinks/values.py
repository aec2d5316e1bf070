"""Numbers as files hold them: rounded, finite, the same on every run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.poses import NO_TRACK, Poses

PIXEL_DECIMALS = 2
SCORE_DECIMALS = 4
TIME_DECIMALS = 6
_LEAST_SCORE = 10.0**-SCORE_DECIMALS


def pixels(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Coordinates to a hundredth of a pixel; what is not finite becomes 0."""
    wide = np.nan_to_num(np.asarray(values, np.float64), nan=0, posinf=0, neginf=0)
    return np.round(wide, PIXEL_DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0


def scores(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scores to four decimals; one above 0 stays above 0, for 0 says that a joint is missing."""
    wide = np.nan_to_num(np.asarray(values, np.float64), nan=0, posinf=0, neginf=0)
    rounded = np.round(wide, SCORE_DECIMALS) + 0.0
    return np.where((wide > 0) & (rounded < _LEAST_SCORE), _LEAST_SCORE, rounded)


def joints(poses: Poses, least_px: float | None = None) -> NDArray[np.float64]:
    """``(N, K, 3)`` x, y in pixels and score, rounded; a missing joint is 0, 0, 0.

    Args:
        poses: N people with K joints.
        least_px: Raise smaller coordinates to this one.
    """
    points = pixels(poses.keypoints)
    if least_px is not None:
        points = np.maximum(points, least_px)
    values = np.concatenate([points, scores(poses.scores)[..., None]], -1)
    return np.where(poses.present[..., None], values, 0.0)


def flat_joints(poses: Poses, least_px: float | None = None) -> list[list[float]]:
    """``joints`` as N lists of 3 K numbers."""
    width = 3 * len(poses.skeleton)
    flat: list[list[float]] = joints(poses, least_px).reshape(len(poses), width).tolist()
    return flat


def boxes_xyxy(poses: Poses) -> NDArray[np.float64]:
    """``(N, 4)`` x1 y1 x2 y2 in pixels, rounded."""
    return pixels(poses.boxes)


def boxes_xywh(poses: Poses) -> NDArray[np.float64]:
    """``(N, 4)`` x, y, width, height in pixels, rounded."""
    corners = np.asarray(poses.boxes, np.float64)
    return pixels(np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1))


def identity(track_id: int) -> int | None:
    """The track id, or None for a person without one."""
    return None if track_id == NO_TRACK else int(track_id)


def seconds(value: float) -> float:
    """A time in seconds, to the microsecond."""
    return round(value, TIME_DECIMALS)


def compact_json(value: Any) -> str:
    """JSON on one line.

    Raises:
        ValueError: A number is not finite.
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
