"""Pictures with any number of people: crops of people, pasted onto a plain ground, who sway."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_GROUND = 120
_SWAY = 0.06
"""How far people sway to each side, in their heights."""
_SWAYS_PER_S = 0.4
_ASPECT = 0.55
"""A crop is as wide as this share of its height at the most; wider ones are shrunk to it."""
_GOLDEN = 0.6180339887
"""Fractional parts of its multiples lie evenly: phases of neighbours never agree."""


def slots(size: tuple[int, int], height: int) -> NDArray[np.float64]:
    """Centres ``(N, 2)`` x, y of the places for people of ``height`` px in a picture.

    Args:
        size: Height and width of the picture in pixels.
        height: Of a person.

    They are so far from each other that people who sway do not touch, and in an order in which any
    first few of them are spread over the picture.
    """
    rows = size[0] // (height + 8)
    columns = int(size[1] // (height * (_ASPECT + 2 * _SWAY)))
    y = (np.arange(rows) + 0.5) * size[0] / max(rows, 1)
    x = (np.arange(columns) + 0.5) * size[1] / max(columns, 1)
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    spread: NDArray[np.float64] = grid[np.argsort(_GOLDEN * np.arange(len(grid)) % 1)]
    return spread


def pasted_scene(
    crops: Sequence[Image], count: int, size: tuple[int, int], *, height: int, time_s: float = 0.0
) -> Image:
    """``size`` uint8 BGR picture with ``count`` people, each ``height`` px tall, at a time.

    People keep their places whatever the time and whoever else is there: scenes of 3 and of 4
    people differ by one. Crops are used in turn.

    Args:
        crops: People ``(h, w, 3)`` uint8 BGR, cut out of pictures with little around them.
        count: Number of people, 0 or more.
        size: Height and width of the picture in pixels.
        height: Of a person in pixels.
        time_s: Time in seconds, on which how far each has swayed depends.

    Raises:
        ValueError: More people than there are places, or nobody to paste.
    """
    places = slots(size, height)
    if count > len(places):
        raise ValueError(f"{len(places)} people of {height} px fit into {size}, not {count}")
    if count and not crops:
        raise ValueError("no crops of people to paste")
    picture = np.full((*size, 3), _GROUND, np.uint8)
    for n, (x, y) in enumerate(places[:count]):
        crop = crops[n % len(crops)]
        width = round(height * min(crop.shape[1] / crop.shape[0], _ASPECT))
        turn = 2 * np.pi * (time_s * _SWAYS_PER_S + n * _GOLDEN)
        left = round(x + _SWAY * height * np.sin(turn) - width / 2)
        top = round(y - height / 2)
        person = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
        picture[top : top + height, left : left + width] = person
    return picture
