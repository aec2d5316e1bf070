"""RTMPose files as OpenMMLab's deployment exports them: SimCC outputs ``simcc_x``, ``simcc_y``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.crops import Crops, Size
from steadypose.engines.pixels import Planes, infer_pixels
from steadypose.engines.runtimes import Engine
from steadypose.errors import ModelError
from steadypose.skeletons import COCO17

_PLANES = Planes(mean=(123.675, 116.28, 103.53), spread=(58.395, 57.12, 57.375), rgb=True)


class SimccNetwork:
    """A network that classifies each joint's x and y into bins (SimCC, arXiv 2107.03332).

    Raises:
        ModelError: The file's joints are not COCO's 17, or its input size is not fixed.
    """

    skeleton = COCO17
    padding = 1.25

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._input = next(iter(engine.inputs.values()))
        height, width = self._input.shape[2:4]
        if height is None or width is None:
            raise ModelError(f"{engine.name}: expected a fixed input size, got free dimensions")
        joints = engine.outputs["simcc_x"].shape[1]
        if joints not in (None, len(self.skeleton)):
            raise ModelError(f"{engine.name}: expected 17 COCO joints, got {joints}")
        self.fixed_size: Size | None = (height, width)

    def infer(self, crops: Crops) -> NDArray[np.float32]:
        """Joints of each crop; see ``PoseNetwork.infer``."""
        pixels = replace(crops.pixels, planes=_PLANES)
        found = infer_pixels(self.engine, self._input.name, pixels)
        return decode_simcc(found["simcc_x"], found["simcc_y"], crops.size)


def decode_simcc(
    x: NDArray[np.float32], y: NDArray[np.float32], size: tuple[int, ...]
) -> NDArray[np.float32]:
    """Joints ``(N, K, 3)`` x, y in pixels and score from SimCC rows.

    Args:
        x: ``(N, K, width * split)`` responses along x.
        y: ``(N, K, height * split)`` responses along y.
        size: Height and width of the input in pixels; the number of bins says the split.

    The score is the lesser of the two peaks, as the exported models are commonly read.
    """
    height, width = size
    columns = x.argmax(-1) * (width / x.shape[-1])
    rows = y.argmax(-1) * (height / y.shape[-1])
    score = np.minimum(x.max(-1), y.max(-1))
    return np.stack([columns, rows, np.clip(score, 0, 1)], -1).astype(np.float32)
