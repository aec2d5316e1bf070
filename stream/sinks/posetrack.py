"""The PoseTrack 2018 JSON format, as its evaluators read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steadypose.frame import Frame
from steadypose.mapping import map_poses
from steadypose.poses import Poses
from steadypose.skeletons import POSETRACK17, Skeleton
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.part_file import PartFile
from steadypose.stream.sinks.values import (
    boxes_xywh,
    compact_json,
    flat_joints,
    identity,
    scores,
    seconds,
)

_LEAST_PX = 0.01


class PoseTrackSink:
    """Writes ``categories``, ``annotations`` and ``images``; every frame is an image.

    An image has ``id`` (the frame's index + 1), ``frame_id`` (the same), ``vid_id``,
    ``file_name`` (the picture's own, else ``<stem>/<index>.jpg``, which need not exist),
    ``nframes``, ``is_labeled``, ``width``, ``height``, and our own ``pts_s``. An annotation is
    one person in one image: ``id``, ``image_id``, ``track_id`` (left out without identity),
    ``category_id`` 1, ``keypoints`` (x, y, score for each joint), ``scores``, ``bbox`` (x, y,
    width, height) and ``score``. Coordinates are pixels.

    A missing joint is 0, 0, 0. Evaluators take a joint with x or y at or below 0 for a missing
    one, so such coordinates of joints that are there become 0.01.

    Annotations go to the file as they come; the images wait in a second temporary file, so
    that memory does not grow with the clip.

    Args:
        path: The file.
        stem: Name of the video.
        skeleton: Joints of the file; evaluators read PoseTrack's own.

    Raises:
        OutputError: The file cannot be made.
    """

    def __init__(self, path: Path, stem: str, skeleton: Skeleton = POSETRACK17) -> None:
        self.paths: tuple[Path, ...] = (path,)
        self._stem = stem
        self._skeleton = skeleton
        self._images = 0
        self._annotations = 0
        self._file = PartFile(path)
        try:
            self._spool = PartFile(path, spool=True)
            self._file.write(f'{{"categories":[{compact_json(_category(skeleton))}],\n')
            self._file.write('"annotations":[')
        except BaseException:
            self.discard()
            raise

    def write(self, result: FrameResult) -> None:
        """Append a frame and its people. Raises OutputError when they cannot be written."""
        frame = result.frame
        people = self._people(frame, map_poses(result.poses, self._skeleton))
        # The image first: should the disk be full now, no annotation is without its image.
        self._spool.write(compact_json(self._image(frame)) + "\n")
        self._images += 1
        if people:
            text = ",\n".join(map(compact_json, people))
            self._file.write((",\n" if self._annotations else "\n") + text)
            self._annotations += len(people)

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Join the two parts. Raises OutputError when that cannot be written."""
        try:
            self._file.write('\n],\n"images":[')
            for number, line in enumerate(self._spool.lines()):
                # How many frames there are is known only now.
                image = f'{line[:-1]},"nframes":{self._images}}}'
                self._file.write((",\n" if number else "\n") + image)
            self._file.write("\n]}\n")
            self._file.commit()
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was begun."""
        self._file.discard()
        if hasattr(self, "_spool"):
            self._spool.discard()

    def _image(self, frame: Frame) -> dict[str, Any]:
        return {
            "id": frame.index + 1,
            "frame_id": frame.index + 1,
            "vid_id": self._stem,
            "file_name": frame.file_name or f"{self._stem}/{frame.index:06d}.jpg",
            "is_labeled": True,
            "width": frame.width,
            "height": frame.height,
            "pts_s": seconds(frame.pts_s),
        }

    def _people(self, frame: Frame, poses: Poses) -> list[dict[str, Any]]:
        flat, boxes = flat_joints(poses, least_px=_LEAST_PX), boxes_xywh(poses).tolist()
        person_scores = scores(poses.box_scores).tolist()
        people = []
        for n in range(len(poses)):
            track_id = identity(poses.track_ids[n])
            person = {
                "id": self._annotations + n + 1,
                "image_id": frame.index + 1,
                "category_id": 1,
                "keypoints": flat[n],
                "scores": flat[n][2::3],
                "bbox": boxes[n],
                "score": person_scores[n],
            }
            people.append(person if track_id is None else {**person, "track_id": track_id})
        return people


def _category(skeleton: Skeleton) -> dict[str, Any]:
    """The one category; limbs are pairs of joint numbers from 1, as in COCO."""
    return {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(skeleton.keypoints),
        "skeleton": [[a + 1, b + 1] for a, b in skeleton.edge_indices],
    }
