"""OpenPose's JSON output: a folder with one file per frame (its "COCO" body model)."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.mapping import map_poses
from steadypose.poses import Poses
from steadypose.skeletons import COCO17
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.part_folder import PartFolder
from steadypose.stream.sinks.values import compact_json, joints

_SUFFIX = "_keypoints.json"
_LIMBS = tuple(
    f"{side}_{joint}"
    for part in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
    for side in ("right", "left")
    for joint in part
)
OPENPOSE18 = ("nose", "neck", *_LIMBS, "right_eye", "left_eye", "right_ear", "left_ear")
"""The 18 joints of OpenPose's COCO model in its order; ours but for the neck."""

_EMPTY_PARTS: dict[str, list[float]] = {
    f"{part}_keypoints_{dims}": []
    for dims in ("2d", "3d")
    for part in ("pose", "face", "hand_left", "hand_right")
}


class OpenPoseSink:
    """Writes ``<stem>_000000000000_keypoints.json`` and so on, one file per frame.

    ``people[].pose_keypoints_2d`` holds x, y in pixels and score of the 18 joints of
    ``OPENPOSE18``; a missing joint is 0, 0, 0. The neck is the midpoint of the shoulders, with
    the lower of their scores. ``person_id`` holds the track id, -1 without identity.

    The files are gathered in a temporary folder that is renamed at the end, in place of one of
    an earlier run.

    Args:
        folder: The folder.
        stem: Beginning of the files' names.

    Raises:
        OutputError: The folder cannot be made, or one with other files in it has its name.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        self.paths: tuple[Path, ...] = (folder,)
        self._stem = stem
        self._part = PartFolder(folder, lambda name: name.endswith(_SUFFIX))

    def write(self, result: FrameResult) -> None:
        """Write a frame's file. Raises OutputError when it cannot be written."""
        path = self._part.path / f"{self._stem}_{result.frame.index:012d}{_SUFFIX}"
        record = {"version": 1.3, "people": _people(map_poses(result.poses, COCO17))}
        try:
            path.write_text(compact_json(record) + "\n", encoding="utf-8")
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink()
            raise self._part.failure(error) from error

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Give the folder its name. Raises OutputError when that fails."""
        self._part.commit()

    def discard(self) -> None:
        """Remove what was begun."""
        self._part.discard()


def _people(poses: Poses) -> list[dict[str, Any]]:
    flat = _with_neck(joints(poses)).reshape(len(poses), 3 * len(OPENPOSE18)).tolist()
    return [
        {"person_id": [int(track_id)], **_EMPTY_PARTS, "pose_keypoints_2d": points}
        for track_id, points in zip(poses.track_ids.tolist(), flat, strict=True)
    ]


def _with_neck(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """From ``(N, 17, 3)`` in COCO's order to ``(N, 18, 3)`` in OpenPose's."""
    shoulders = points[:, [COCO17.index("left_shoulder"), COCO17.index("right_shoulder")]]
    neck = shoulders.mean(1)
    neck[:, 2] = shoulders[..., 2].min(1)
    neck[neck[:, 2] <= 0] = 0
    every: NDArray[np.float64] = np.concatenate([points, np.round(neck, 4)[:, None]], 1)
    order = [len(COCO17) if name == "neck" else COCO17.index(name) for name in OPENPOSE18]
    return every[:, order]
