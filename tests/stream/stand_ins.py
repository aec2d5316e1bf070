"""A detector, an estimator, a refiner and a source without networks, for tests of what joins them.

People are filled rectangles of one grey level each on black. The detector finds them by their
outline, the pose network and the refiner lay a fixed figure into a crop whose middle is bright.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose import Frame
from steadypose.configs import Config, build
from steadypose.engines.crops import CropPolicy, Crops
from steadypose.engines.detectors import Detections
from steadypose.engines.estimators import Estimator
from steadypose.engines.refiner import PoseRefiner
from steadypose.errors import SourceError
from steadypose.skeletons import COCO17
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.records import SourceInfo
from steadypose.trackers import TrackerSettings

_FIGURE = np.array(
    [
        *[(0.5, 0.08), (0.55, 0.06), (0.45, 0.06), (0.6, 0.08), (0.4, 0.08)],
        *[(0.8, 0.2), (0.2, 0.2), (0.9, 0.38), (0.1, 0.38), (0.95, 0.52), (0.05, 0.52)],
        *[(0.7, 0.52), (0.3, 0.52), (0.72, 0.75), (0.28, 0.75), (0.74, 0.97), (0.26, 0.97)],
    ]
)
"""Joints of COCO-17 as shares of a person's box."""
_HEAD_ENDS = np.array([(0.5, 0.0), (0.5, 0.16)])
"""Head top and neck, which only the refiner finds."""

Box = tuple[float, float, float, float]


def scene(boxes: Sequence[Box], size: tuple[int, int] = (120, 200)) -> NDArray[np.uint8]:
    """A frame ``(H, W, 3)`` with one person in each box x1 y1 x2 y2."""
    image = np.zeros((*size, 3), np.uint8)
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        image[round(y1) : round(y2), round(x1) : round(x2)] = 255 - 30 * i
    return image


class RectangleDetector:
    """Finds the rectangles of a scene; counts and remembers its calls."""

    engines = ()

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        self.looks += 1
        outlines, _ = cv2.findContours(
            (image[..., 0] > 60).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        found = sorted(cv2.boundingRect(outline) for outline in outlines)
        boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in found if h > 10], np.float32)
        boxes = boxes.reshape(-1, 4)
        return Detections(boxes, np.full(len(boxes), 0.9, np.float32))


class _Network:
    path, name, runtime = Path(__file__), "stand-in", "numpy"


class FigureNetwork:
    """Lays the figure into the rectangle in the middle of a crop; unsure where there is none."""

    skeleton = COCO17
    fixed_size = None
    padding = 1.25
    engine = _Network()

    def __init__(self) -> None:
        self.people = 0

    def infer(self, crops: Crops) -> NDArray[np.float32]:
        self.people += len(crops.images)
        return _lay(_FIGURE, crops.images)


def _lay(figure: NDArray[np.float64], images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The figure ``(K, 3)`` in each crop; scores tell whether the middle is bright."""
    n, height, width = images.shape[:3]
    joints = np.empty((n, len(figure), 3), np.float32)
    for i, image in enumerate(images[..., 0]):
        bright = image[height // 2, width // 2] > 60
        lit = np.argwhere(image > 60) if bright else np.array([[0, 0], [height, width]])
        (y1, x1), (y2, x2) = lit.min(0), lit.max(0)
        joints[i, :, :2] = (x1, y1) + figure * (x2 - x1, y2 - y1)
        joints[i, :, 2] = 0.9 if bright else 0.02
    return joints


class FigureRefiner:
    """The engine of a refiner that finds the figure by itself and counts what it is told.

    Attributes:
        with_pose, from_prior: People refined from a pose, and from a prior alone.
        with_prior: People who had a prior, with a pose or without.
        blind: Whether it fails to find people of whom there is no pose.
        surer: What it adds to the scores of whoever has a prior.
    """

    path, name, runtime = Path(__file__), "stand-in refiner", "numpy"

    def __init__(self) -> None:
        self.with_pose = self.from_prior = self.with_prior = 0
        self.blind, self.surer = False, 0.0

    def infer(self, feeds: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.float32]]:
        posed, known = (feeds[name][..., 2].any(1) for name in ("pose", "prior"))
        self.with_pose += int(posed.sum())
        self.from_prior += int((known & ~posed).sum())
        self.with_prior += int(known.sum())
        found = _lay(np.concatenate([_FIGURE, _HEAD_ENDS]), feeds["image"])  # type: ignore[arg-type]
        lost = ~posed & (~known | self.blind)
        found[lost, :, 2] = 0.1
        found[known, :, 2] += self.surer
        return {"keypoints": found}


def stand_in_room(config: Config | None = None) -> EngineRoom:
    """An engine room without networks."""
    settings = config or Config()
    refiner = None
    if settings.refiner.enabled:
        refiner = PoseRefiner(
            FigureRefiner(),  # type: ignore[arg-type]
            CropPolicy(sizes=settings.refiner.sizes),
            threshold=settings.refiner.threshold,
        )
    return EngineRoom(
        config=settings,
        detector=RectangleDetector(),  # type: ignore[arg-type]
        estimator=Estimator(
            FigureNetwork(),  # type: ignore[arg-type]
            CropPolicy(sizes=settings.estimator.sizes),
        ),
        tracker_settings=build(TrackerSettings, settings.tracker, "tracker"),
        refiner=refiner,
    )


class SceneSource:
    """Frames in memory.

    Args:
        scenes: For each frame the people's boxes.
        fps: Frames per second of ``pts_s``.
        live: Whether the newest frame counts.
        period_s: Real seconds between two frames.
        fails_after: Raise a SourceError after so many frames.
        epoch_of: Epoch of a frame by its index.
        backdrop_of: Grey level behind the people, up to 60, by the frame's index.
    """

    def __init__(
        self,
        scenes: Sequence[Sequence[Box]],
        *,
        fps: float = 25.0,
        live: bool = False,
        period_s: float = 0.0,
        fails_after: int | None = None,
        epoch_of: Callable[[int], int] = lambda index: 0,
        backdrop_of: Callable[[int], int] = lambda index: 0,
    ) -> None:
        self.info = SourceInfo(name="scenes", stem="scenes", width=200, height=120, live=live)
        self.warnings: list[str] = []
        self._scenes, self._fps, self._period_s = scenes, fps, period_s
        self._fails_after, self._epoch_of = fails_after, epoch_of
        self._backdrop_of = backdrop_of
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        for index, boxes in enumerate(self._scenes):
            if index == self._fails_after:
                raise SourceError(f"scenes: ended after frame {index}")
            if self._closed.wait(self._period_s) if self._period_s else self._closed.is_set():
                return
            yield Frame(
                index,
                index / self._fps,
                time.monotonic(),
                np.maximum(scene(boxes), np.uint8(self._backdrop_of(index))),
                "scenes",
                self._epoch_of(index),
            )

    def close(self) -> None:
        self._closed.set()


def walk(frames: int, people: int = 2, speed: float = 1.0) -> list[list[Box]]:
    """People who walk to the right, side by side."""
    return [
        [(10 + 50 * i + speed * t, 20, 34 + 50 * i + speed * t, 100) for i in range(people)]
        for t in range(frames)
    ]
