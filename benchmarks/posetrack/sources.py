"""The pictures of a sequence as a source, and its annotated boxes in place of a detector."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.box_scores import boxes_of
from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.tree import Sequence
from steadypose.engines.detectors import Detections
from steadypose.engines.runtimes import Engine
from steadypose.errors import InputError, SourceError
from steadypose.frame import Frame
from steadypose.stream.records import SourceInfo
from steadypose.stream.sources.images import read_image


class SequenceSource:
    """Images of a sequence as frames.

    Args:
        sequence: Where the pictures are.
        rows: Which images, in order of time.
        fps: Frames per second of the whole sequence; PoseTrack does not say.
    """

    def __init__(self, sequence: Sequence, rows: NDArray[np.intp], fps: float) -> None:
        name = sequence.clip.name
        self.info = SourceInfo(name=name, stem=name, frames=len(rows), fps=fps)
        self.warnings: list[str] = []
        self._pictures, self._rows, self._fps = sequence.pictures, rows.tolist(), fps
        self._stop = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; none after ``close``. Raises SourceError for a damaged picture."""
        for index, row in enumerate(self._rows):
            if self._stop.is_set():
                return
            yield self._frame(index, row, self._pictures[row])

    def close(self) -> None:
        """End the iteration at the next frame. May be called at any time from any thread."""
        self._stop.set()

    def _frame(self, index: int, row: int, picture: Path) -> Frame:
        try:
            image = read_image(picture)
        except InputError as error:
            raise SourceError(str(error)) from error
        return Frame(
            index=index,
            pts_s=row / self._fps,
            captured_s=time.monotonic(),
            image=image,
            source=self.info.name,
            file_name=picture.name,
        )


class AnnotatedBoxes:
    """Stands in for a detector: the annotated boxes of one image after the other.

    It is asked once for each frame, in order, where ``detector.every`` is 1.

    Args:
        clip: The annotations.
        rows: The images that it will be asked for.
    """

    engines: tuple[Engine, ...] = ()

    def __init__(self, clip: Clip, rows: NDArray[np.intp]) -> None:
        boxes, persons = boxes_of(clip).astype(np.float32), clip.by_image()
        self._boxes = [boxes[persons[row]] for row in rows]
        self._next = 0

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """The next image's boxes, within the frame, each of score 1."""
        boxes = self._boxes[self._next]
        self._next += 1
        limits = np.array([image.shape[1], image.shape[0]] * 2, np.float32)
        boxes = np.clip(boxes[np.isfinite(boxes).all(1)], 0, limits)
        solid = boxes[(boxes[:, 2:] - boxes[:, :2] > 1).all(1)]
        return Detections(solid, np.ones(len(solid), np.float32))
