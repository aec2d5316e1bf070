"""Crops that stay where they are while a person hardly moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEP = 1.2
"""Ratio of two neighbouring lengths of a side."""
_PLACES = 8
"""Places of the centre along a length of the longer side."""


def steadied(boxes: NDArray[np.floating]) -> NDArray[np.float32]:
    """The nearest boxes ``(N, 4)`` of a fixed grid of sizes and places, pixels.

    A box differs by a pixel or two from one frame to the next, and networks then find joints a
    little elsewhere. From boxes of a grid they see the same crop until the person has really
    moved: who stands still does not tremble, and two ways to the same person end in the same pose.
    A grid needs no memory, so it does not matter where a video was begun.

    Sides are lengthened or shortened by at most a tenth, and centres moved by at most a sixteenth
    of the longer side in x and in y. Cut out 1.25 times as large, a box is shown whole along its
    longer side; of a narrow one a strip at the side may be lost in the narrowest crops.
    """
    wide = np.asarray(boxes, np.float64)
    sides = np.maximum(wide[:, 2:] - wide[:, :2], 1e-3)
    sides = _STEP ** np.round(np.log(sides) / np.log(_STEP))
    cell = sides.max(1, keepdims=True) / _PLACES
    centres = np.round((wide[:, :2] + wide[:, 2:]) / 2 / cell) * cell
    return np.concatenate([centres - sides / 2, centres + sides / 2], 1).astype(np.float32)
