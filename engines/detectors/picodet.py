"""PicoDet with the pre- and post-processing that the zoo's converter puts into its graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.detectors.base import Detections, finish, fit
from steadypose.engines.pixels import infer_pixels
from steadypose.engines.runtimes import Engine
from steadypose.errors import EngineError

SQUARE_BELOW = 1.5
"""Frames less wide or tall than this go, stretched, through the cheaper square network."""


class PicoDet:
    """One or several PicoDet networks that differ in their input's shape.

    The network whose shape is nearest to the frame's is used: a square one is fed the stretched
    frame, as it was trained, a wide or tall one the letterboxed frame.

    Args:
        engines: Networks by input size (height, width).
        min_score: People below it are not reported.
        nms_iou: See ``finish``.
    """

    def __init__(
        self,
        engines: Mapping[tuple[int, int], Engine],
        *,
        min_score: float = 0.2,
        nms_iou: float = 0.6,
    ) -> None:
        if not engines:
            raise EngineError("PicoDet: no network given")
        self._by_size = dict(engines)
        self._min_score, self._nms_iou = min_score, nms_iou
        self.engines = tuple(self._by_size.values())

    @classmethod
    def from_engine(cls, engine: Engine, **options: float) -> PicoDet:
        """A detector of one network; its input says its size."""
        shape = engine.inputs["image"].shape
        if shape[1] is None or shape[2] is None:
            raise EngineError(f"{engine.name}: PicoDet needs a fixed input size, got {shape}")
        return cls({(shape[1], shape[2]): engine}, **options)

    def size_for(self, image: NDArray[np.uint8]) -> tuple[int, int]:
        """The input size whose aspect ratio is nearest to the frame's, square up to 3:2."""
        aspect = np.log(image.shape[1] / image.shape[0])
        if abs(aspect) < np.log(SQUARE_BELOW):
            aspect = 0.0
        return min(self._by_size, key=lambda size: abs(np.log(size[1] / size[0]) - aspect))

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """People in a frame; see ``Detector.detect``."""
        height, width = self.size_for(image)
        fitted = fit(image, height, width, letterbox=height != width, pad=0)
        found = infer_pixels(self._by_size[height, width], "image", fitted.pixels)
        boxes = found["boxes"][0] / np.tile(fitted.scale, 2)
        return finish(
            boxes,
            found["scores"][0],
            image,
            min_score=self._min_score,
            nms_iou=self._nms_iou,
        )
