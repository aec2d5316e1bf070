"""What every detector gives, and the steps that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Fitted:
    """A frame brought to a network's input size.

    Attributes:
        image: ``(H, W, 3)`` uint8 BGR; the frame lies in the upper left corner.
        scale: ``(2,)`` input pixels per frame pixel in x and y.
    """

    image: NDArray[np.uint8]
    scale: NDArray[np.float64]


def fit(image: NDArray[np.uint8], height: int, width: int, *, letterbox: bool, pad: int) -> Fitted:
    """Resize to ``height`` x ``width``: stretched, or letterboxed with grey level ``pad``."""
    rows, columns = image.shape[:2]
    sx, sy = width / columns, height / rows
    if letterbox:
        sx = sy = min(sx, sy)
    new = (max(1, min(width, round(columns * sx))), max(1, min(height, round(rows * sy))))
    way = cv2.INTER_AREA if min(sx, sy) < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, new, interpolation=way)
    if new != (width, height):
        canvas = np.full((height, width, 3), pad, np.uint8)
        canvas[: new[1], : new[0]] = small
        small = canvas
    return Fitted(np.asarray(small, np.uint8), np.array([sx, sy]))


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
