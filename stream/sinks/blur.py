"""The source as a video in which nobody can be recognised."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.poses import NO_TRACK, Poses
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks.overlay import OverlaySink

BLUR_KINDS = ("off", "faces", "people")
_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top", "head_bottom")
_SURE = 0.2
_HELD_S = 0.5
"""For so long the place of someone who is no longer seen stays hidden, in seconds."""
_BLOCKS = 6
_HEAD_SHARE = 0.3
"""Share of the height of a person's box that is hidden from the top where no face is found."""
_LEAST_HEAD = 0.1
"""Least half-width of a hidden face, as a share of the height of the person's box."""

_HEAD = np.array([1.0, 1.3])
"""Half-width and half-height of a head, as shares of how far apart the joints of its face are."""
_OVAL = 0.56
"""Half-axes of a hidden face's ellipse as shares of its region: a little beyond the sides."""

Region = tuple[int, int, int, int]


class BlurSink(OverlaySink):
    """Writes a video with the faces, or the whole people, of everyone who was found made coarse.

    A face is hidden by an ellipse around the joints of the head that are surely seen, whatever way
    the person looks; where there are fewer than two, the upper part of the box is hidden. What is
    hidden is replaced by a few blocks of its mean colours, which cannot be undone, and smoothed.
    The place of someone who is lost stays hidden for half a second. Sound is not copied.

    Only people who were found can be hidden: look the video through before it is given away.

    Args:
        path: The file.
        info: The source.
        kind: ``"faces"`` or ``"people"``.

    Raises:
        OutputError: As ``OverlaySink``.
    """

    def __init__(self, path: Path, info: SourceInfo, kind: str) -> None:
        super().__init__(path, info)
        self._kind = kind
        self._held: dict[int, tuple[float, Region]] = {}

    def picture(self, result: FrameResult) -> NDArray[np.uint8]:
        """The frame with everyone hidden who is seen, or was a moment ago."""
        canvas = np.array(result.frame.image, np.uint8, order="C")
        now = result.frame.pts_s
        find = face_regions if self._kind == "faces" else body_regions
        regions = find(result.poses, canvas.shape[:2])
        for track_id, region in zip(result.poses.track_ids.tolist(), regions, strict=True):
            if track_id == NO_TRACK:
                self._hide(canvas, region)
            else:
                self._held[track_id] = (now, region)
        self._held = {i: h for i, h in self._held.items() if 0 <= now - h[0] <= _HELD_S}
        for _, region in self._held.values():
            self._hide(canvas, region)
        return canvas

    def _hide(self, canvas: NDArray[np.uint8], region: Region) -> None:
        hide(canvas, region, oval=self._kind == "faces")


def face_regions(poses: Poses, frame_size: tuple[int, ...]) -> list[Region]:
    """For each person the box x1 y1 x2 y2 in whole pixels of what must be hidden of the head."""
    rows = [poses.skeleton.index(name) for name in _FACE if name in poses.skeleton.keypoints]
    regions = []
    for n, box in enumerate(np.asarray(poses.boxes, np.float64)):
        height = box[3] - box[1]
        seen = poses.present[n, rows] & (poses.scores[n, rows] >= _SURE)
        points = poses.keypoints[n, rows][seen].astype(np.float64)
        if len(points) < 2:
            region = np.array([box[0], box[1], box[2], box[1] + _HEAD_SHARE * height])
        else:
            middle = (points.min(0) + points.max(0)) / 2
            # From ear to ear is the width of a head; in profile only half of that is seen.
            reach = max(float(np.ptp(points, axis=0).max()), _LEAST_HEAD * height)
            region = np.concatenate([middle - reach * _HEAD, middle + reach * _HEAD])
        regions.append(_whole(region, frame_size))
    return regions


def body_regions(poses: Poses, frame_size: tuple[int, ...]) -> list[Region]:
    """For each person the box around their box and all of their joints, a little widened."""
    boxes = np.asarray(poses.boxes, np.float64)
    regions = []
    for n, box in enumerate(boxes):
        points = poses.keypoints[n][poses.present[n]].astype(np.float64)
        corners = np.concatenate([box.reshape(2, 2), points])
        slack = 0.1 * (box[2:] - box[:2])
        region = np.concatenate([corners.min(0) - slack, corners.max(0) + slack])
        regions.append(_whole(region, frame_size))
    return regions


def hide(image: NDArray[np.uint8], region: Region, *, oval: bool) -> None:
    """Make ``region`` of a picture coarse, in place: all of it, or an ellipse over its middle."""
    x1, y1, x2, y2 = region
    width, height = x2 - x1, y2 - y1
    if min(width, height) < 1:
        return
    part = image[y1:y2, x1:x2]
    coarse = cv2.resize(part, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    mask = np.ones((height, width), np.uint8)
    if oval:
        mask[:] = 0
        axes = (round(_OVAL * width), round(_OVAL * height))
        cv2.ellipse(mask, (width // 2, height // 2), axes, 0, 0, 360, (1,), -1)
    np.copyto(part, smooth.astype(np.uint8), where=mask[..., None].astype(bool))


def _whole(region: NDArray[np.float64], frame_size: tuple[int, ...]) -> Region:
    """Rounded outwards and cut to the frame."""
    high = (frame_size[1], frame_size[0]) * 2
    low = np.floor(np.nan_to_num(region[:2]))
    values = np.clip(np.concatenate([low, np.ceil(np.nan_to_num(region[2:]))]), 0, high)
    x1, y1, x2, y2 = (int(value) for value in values)
    return x1, y1, x2, y2
