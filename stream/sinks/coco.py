"""The COCO results format for keypoints (cocodataset.org/#format-results)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steadypose.frame import Frame
from steadypose.mapping import map_poses
from steadypose.poses import Poses
from steadypose.skeletons import COCO17
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.part_file import PartFile
from steadypose.stream.sinks.values import boxes_xywh, compact_json, flat_joints, identity, scores


class CocoSink:
    """Writes a list with one entry per person per frame, joints in COCO's order.

    ``image_id`` is the number in the picture's name where the name is a number (as COCO's own
    pictures have), else the frame's index + 1. ``keypoints`` holds x, y, score for 17 joints; a
    missing joint is 0, 0, 0. ``bbox`` is x, y, width, height in pixels; ``score`` is the
    person's. ``track_id`` is ours, and left out for a person without identity.

    Args:
        path: The file.

    Raises:
        OutputError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.paths: tuple[Path, ...] = (path,)
        self._file = PartFile(path)
        self._separator = "[\n"

    def write(self, result: FrameResult) -> None:
        """Append a frame's people. Raises OutputError when they cannot be written."""
        people = _people(result.frame, map_poses(result.poses, COCO17))
        if people:
            self._file.write(self._separator + ",\n".join(map(compact_json, people)))
            self._separator = ",\n"

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Complete the file. Raises OutputError when it cannot be written."""
        try:
            self._file.write("\n]\n" if self._separator == ",\n" else "[]\n")
            self._file.commit()
        finally:
            self._file.discard()

    def discard(self) -> None:
        """Remove what was begun."""
        self._file.discard()


def image_id(frame: Frame) -> int:
    """The number in the name of the picture's file, else the frame's index + 1."""
    name = Path(frame.file_name).stem if frame.file_name else ""
    return int(name) if name.isdecimal() else frame.index + 1


def _people(frame: Frame, poses: Poses) -> list[dict[str, Any]]:
    boxes, person_scores = boxes_xywh(poses).tolist(), scores(poses.box_scores).tolist()
    flat = flat_joints(poses)
    people = []
    for n in range(len(poses)):
        person = {
            "image_id": image_id(frame),
            "category_id": 1,
            "keypoints": flat[n],
            "score": person_scores[n],
            "bbox": boxes[n],
        }
        track_id = identity(poses.track_ids[n])
        people.append(person if track_id is None else {**person, "track_id": track_id})
    return people
