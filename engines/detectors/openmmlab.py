"""RTMDet and YOLOX files as OpenMMLab's deployment exports them, which many users already have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.detectors.base import Detections, finish, fit
from steadypose.engines.pixels import Planes, infer_pixels
from steadypose.engines.runtimes import Engine
from steadypose.errors import EngineError

PAD = 114
"""Grey level around the letterboxed frame, as in the training of both families."""

_RTMDET = Planes(mean=(103.53, 116.28, 123.675), spread=(57.375, 57.12, 58.395))
_YOLOX = Planes()


class MmDetector:
    """A detector with outputs ``dets`` (x1 y1 x2 y2 score) and ``labels``, or raw YOLOX.

    Raw YOLOX gives one output ``(1, A, 5 + classes)``: centre and size relative to the grid,
    objectness, class scores (arXiv 2107.08430). Class 0 is the person.

    Args:
        engine: The loaded network; its input is ``(N, 3, H, W)`` float32.
        normalise: Subtract RTMDet's mean and divide by its spread; YOLOX takes 0..255 as it is.
        min_score: People below it are not reported.
        nms_iou: See ``finish``.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        normalise: bool,
        min_score: float = 0.2,
        nms_iou: float = 0.6,
    ) -> None:
        self.engines: tuple[Engine, ...] = (engine,)
        self._engine = engine
        self._input = next(iter(engine.inputs.values()))
        self._planes = _RTMDET if normalise else _YOLOX
        self._min_score, self._nms_iou = min_score, nms_iou
        height, width = (self._input.shape[2] or 640), (self._input.shape[3] or 640)
        self._size = (height, width)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """People in a frame; see ``Detector.detect``."""
        fitted = fit(image, *self._size, letterbox=True, pad=PAD)
        pixels = replace(fitted.pixels, planes=self._planes)
        found = infer_pixels(self._engine, self._input.name, pixels)
        boxes, scores = self._people(found)
        return finish(
            boxes / np.tile(fitted.scale, 2),
            scores,
            image,
            min_score=self._min_score,
            nms_iou=self._nms_iou,
        )

    def _people(
        self, found: dict[str, NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if "dets" in found:
            rows = found["dets"][0]
            if "labels" in found:
                rows = rows[found["labels"][0] == 0]
            return rows[:, :4], rows[:, 4]
        raw = next(iter(found.values()))
        if raw.ndim != 3 or raw.shape[2] < 6:
            raise EngineError(f"{self._engine.name}: not a YOLOX output, its shape is {raw.shape}")
        return decode_yolox(raw[0], self._size)


def decode_yolox(
    raw: NDArray[np.float32], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes ``(A, 4)`` x1 y1 x2 y2 in input pixels and person scores ``(A,)`` from raw YOLOX."""
    grids, strides = [], []
    for stride in (8, 16, 32):
        rows, columns = size[0] // stride, size[1] // stride
        y, x = np.mgrid[0:rows, 0:columns]
        grids.append(np.stack([x, y], -1).reshape(-1, 2))
        strides.append(np.full((rows * columns, 1), stride))
    grid, stride_of = np.concatenate(grids), np.concatenate(strides)
    if len(grid) != len(raw):
        raise EngineError(f"YOLOX: expected {len(grid)} cells for input {size}, got {len(raw)}")
    centre = (raw[:, :2] + grid) * stride_of
    half = np.exp(raw[:, 2:4]) * stride_of / 2
    boxes = np.concatenate([centre - half, centre + half], 1).astype(np.float32)
    return boxes, raw[:, 4] * raw[:, 5]
