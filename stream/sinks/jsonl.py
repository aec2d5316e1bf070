"""One line of JSON per frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steadypose.poses import Poses
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.part_file import PartFile
from steadypose.stream.sinks.values import boxes_xyxy, compact_json, identity, joints, scores
from steadypose.stream.sinks.values import seconds as rounded_seconds


class JsonlSink:
    """Writes a line for every frame, also for one without people.

    ``{"index": 0, "pts_s": 0.04, "epoch": 0, "detected": true, "persons": [...]}`` where a
    person is ``{"track_id", "box": [x1, y1, x2, y2], "box_score", "keypoints": [...]}``. A joint
    is ``[x, y, score]`` in pixels of the frame, a missing one ``null``, in the order of the
    skeleton tracked. ``track_id`` is ``null`` for a person without identity.

    Args:
        path: The file.

    Raises:
        OutputError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.paths: tuple[Path, ...] = (path,)
        self._file = PartFile(path)

    def write(self, result: FrameResult) -> None:
        """Append a frame. Raises OutputError when it cannot be written."""
        self._file.write(compact_json(frame_record(result)) + "\n")

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Complete the file. Raises OutputError when it cannot be renamed."""
        self._file.commit()

    def discard(self) -> None:
        """Remove what was begun."""
        self._file.discard()


def frame_record(result: FrameResult) -> dict[str, Any]:
    """A frame and its people as plain values, as ``JsonlSink`` describes them."""
    frame = result.frame
    return {
        "index": frame.index,
        "pts_s": rounded_seconds(frame.pts_s),
        "epoch": frame.epoch,
        "detected": result.detected,
        "persons": person_records(result.poses),
    }


def person_records(poses: Poses) -> list[dict[str, Any]]:
    """The people as ``JsonlSink`` writes them."""
    boxes, box_scores = boxes_xyxy(poses).tolist(), scores(poses.box_scores).tolist()
    values = joints(poses).astype(object)
    values[~poses.present] = None
    points = values.tolist()
    return [
        {
            "track_id": identity(poses.track_ids[n]),
            "box": boxes[n],
            "box_score": box_scores[n],
            "keypoints": [None if joint[0] is None else joint for joint in points[n]],
        }
        for n in range(len(poses))
    ]
