"""MoveNet (Thunder, Lightning, MultiPose) as batched heads, decoded in the converted graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.crops import Crops, Size
from steadypose.engines.pixels import infer_pixels
from steadypose.engines.runtimes import Engine
from steadypose.skeletons import COCO17


class MoveNet:
    """A converted MoveNet: crops and box sizes in, joints in crop pixels out."""

    skeleton = COCO17
    fixed_size: Size | None = None
    padding = 1.15

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def infer(self, crops: Crops) -> NDArray[np.float32]:
        """Joints of each crop; see ``PoseNetwork.infer``."""
        found = infer_pixels(self.engine, "image", crops.pixels, {"boxes": crops.box_sizes})
        return np.asarray(found["keypoints"], np.float32)
