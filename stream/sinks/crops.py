"""Pictures of each person, cut out of the frames."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from steadypose.poses import NO_TRACK
from steadypose.stream.records import FrameResult
from steadypose.stream.sinks.part_folder import PartFolder

_NAME = re.compile(r"person\d+")
_QUALITY = 92
_MARGIN = 0.1


class CropSink:
    """Writes ``person0001/000000000000.jpg`` and so on: a folder a track id, a picture a frame.

    A picture shows the person's box widened by a tenth on each side, cut to the frame; its name is
    the index of the frame. People without an identity, or outside the frame, leave none.

    Args:
        folder: The folder; its files are gathered under a temporary name.

    Raises:
        OutputError: The folder cannot be made, or one with other files in it has its name.
    """

    def __init__(self, folder: Path) -> None:
        self.paths: tuple[Path, ...] = (folder,)
        self._part = PartFolder(folder, lambda name: _NAME.fullmatch(name) is not None)

    def write(self, result: FrameResult) -> None:
        """Write the pictures of a frame's people. Raises OutputError when that fails."""
        frame, poses = result.frame, result.poses
        for box, track_id in zip(poses.boxes, poses.track_ids.tolist(), strict=True):
            slack = _MARGIN * (box[2:] - box[:2])
            low, high = np.nan_to_num(box[:2] - slack), np.nan_to_num(box[2:] + slack)
            limits = (frame.width, frame.height)
            x1, y1 = np.clip(np.floor(low), 0, limits).astype(int).tolist()
            x2, y2 = np.clip(np.ceil(high), 0, limits).astype(int).tolist()
            if track_id != NO_TRACK and x2 > x1 and y2 > y1:
                place = self._part.path / f"person{track_id:04d}"
                self._save(place / f"{frame.index:012d}.jpg", frame.image[y1:y2, x1:x2])

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Give the folder its name. Raises OutputError when that fails."""
        self._part.commit()

    def discard(self) -> None:
        """Remove what was begun."""
        self._part.discard()

    def _save(self, path: Path, image: np.ndarray) -> None:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data.tobytes())
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink()
            raise self._part.failure(error) from error
