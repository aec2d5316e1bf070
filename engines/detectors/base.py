"""What every detector gives, and the steps that they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines.pixels import Pixels, Size
from steadypose.engines.runtimes import Engine


@dataclass(frozen=True, eq=False)
class Detections:
    """People found in one frame, best first.

    Attributes:
        boxes: ``(N, 4)`` float32 x1 y1 x2 y2 in frame pixels, within the frame.
        scores: ``(N,)`` float32 in 0..1.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)


class Detector(Protocol):
    """Finds people in a frame. May be called from several threads.

    Attributes:
        engines: The networks it may use.
    """

    engines: tuple[Engine, ...]

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """People in ``(H, W, 3)`` uint8 BGR. Raises EngineError."""
        ...


@dataclass(frozen=True, eq=False)
class Fit:
    """A frame that is to be brought to a network's input size: the source of its pixels.

    Attributes:
        frame: ``(H, W, 3)`` uint8 BGR.
        size: Height and width of the input.
        resized: Height and width of the frame in it, in the upper left corner.
        way: ``cv2.INTER_AREA`` or ``cv2.INTER_LINEAR``.
        pad: Grey level of the rest.
    """

    frame: NDArray[np.uint8]
    size: Size
    resized: Size
    way: int
    pad: int

    @property
    def frames(self) -> tuple[NDArray[np.uint8], ...]:
        """The one frame."""
        return (self.frame,)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of ``images``."""
        return (1, *self.size, 3)

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """``(1, H, W, 3)`` uint8 BGR."""
        height, width = self.resized
        small = cv2.resize(self.frame, (width, height), interpolation=self.way)
        if self.resized != self.size:
            canvas = np.full(self.shape[1:], self.pad, np.uint8)
            canvas[:height, :width] = small
            small = canvas
        return np.asarray(small, np.uint8)[None]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A frame brought to a network's input size.

    Attributes:
        source: The frame and what becomes of it; it lies in the upper left corner.
        scale: ``(2,)`` input pixels per frame pixel in x and y.
    """

    source: Fit
    scale: NDArray[np.float64]

    @property
    def image(self) -> NDArray[np.uint8]:
        """``(H, W, 3)`` uint8 BGR on the host."""
        image: NDArray[np.uint8] = self.source.images[0]
        return image

    @property
    def pixels(self) -> Pixels:
        """What a network is to see, made where it runs."""
        return Pixels(self.source)


def fit(image: NDArray[np.uint8], height: int, width: int, *, letterbox: bool, pad: int) -> Fitted:
    """Resize to ``height`` x ``width``: stretched, or letterboxed with grey level ``pad``."""
    rows, columns = image.shape[:2]
    sx, sy = width / columns, height / rows
    if letterbox:
        sx = sy = min(sx, sy)
    new = (max(1, min(height, round(rows * sy))), max(1, min(width, round(columns * sx))))
    way = cv2.INTER_AREA if min(sx, sy) < 1 else cv2.INTER_LINEAR
    return Fitted(Fit(image, (height, width), new, way, pad), np.array([sx, sy]))


def finish(
    boxes: NDArray[np.floating],
    scores: NDArray[np.floating],
    image: NDArray[np.uint8],
    *,
    min_score: float,
    nms_iou: float,
) -> Detections:
    """Threshold, non-maximum suppression, clipping to the frame.

    Args:
        boxes: ``(A, 4)`` x1 y1 x2 y2 in frame pixels.
        scores: ``(A,)``.
        image: The frame, for its size.
        min_score: Boxes below it are dropped.
        nms_iou: Of two boxes that overlap by more, the better is kept.
    """
    likely = scores >= min_score
    kept, likelihood = boxes[likely].astype(np.float32), scores[likely].astype(np.float32)
    limits = np.array([image.shape[1], image.shape[0]] * 2, np.float32)
    xywh = np.concatenate([kept[:, :2], kept[:, 2:] - kept[:, :2]], 1)
    order = cv2.dnn.NMSBoxes(xywh.tolist(), likelihood.tolist(), min_score, nms_iou)
    rows = np.asarray(order, np.intp).reshape(-1)
    inside = np.clip(kept[rows], 0, limits)
    solid = (inside[:, 2:] - inside[:, :2] > 1).all(1)
    return Detections(inside[solid], likelihood[rows][solid])
