"""A picture of some samples, to see with one's own eyes that they are right.

``python -m steadypose.engines.refiner.data.look --lsp DIR --estimates FILE --out sample.png``
Target: filled discs, left red, right green, middle yellow, small where the weight is low. Input
pose: white lines. Prior: blue lines. A red frame: nobody is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.body import NAMES
from steadypose.engines.refiner.data.gather import gather
from steadypose.engines.refiner.data.options import add_sources
from steadypose.engines.refiner.data.prepare import batch_makers
from steadypose.engines.refiner.data.records import Batch
from steadypose.errors import OutputError
from steadypose.skeletons import COCO19

_COLOURS = {"left": (60, 60, 255), "right": (60, 220, 60)}
_MIDDLE, _POSE, _PRIOR, _ABSENT = (0, 230, 230), (255, 255, 255), (255, 140, 40), (0, 0, 255)


def draw_sample(batch: Batch, row: int) -> NDArray[np.uint8]:
    """One sample of a batch at twice its size, ``(2 H, 2 W, 3)``."""
    image = cv2.resize(batch.image[row], None, fx=2, fy=2)
    _draw_lines(image, batch.prior[row], _PRIOR)
    _draw_lines(image, batch.pose[row], _POSE)
    for joint, name in enumerate(NAMES):
        weight = float(batch.weight[row, joint])
        if weight > 0:
            at = (2 * batch.target[row, joint]).astype(int).tolist()
            colour = _COLOURS.get(name.split("_")[0], _MIDDLE)
            cv2.circle(image, at, 2 + int(4 * min(weight, 1)), colour, -1)
    if not batch.present[row]:
        cv2.rectangle(image, (0, 0), (image.shape[1] - 1, image.shape[0] - 1), _ABSENT, 6)
    return np.asarray(image, np.uint8)


def _draw_lines(
    image: NDArray[np.uint8], joints: NDArray[np.float32], colour: tuple[int, int, int]
) -> None:
    at = np.clip(2 * joints[:, :2], -2000, 2000).astype(int).tolist()
    for a, b in COCO19.edge_indices:
        if joints[a, 2] > 0 and joints[b, 2] > 0:
            cv2.line(image, at[a], at[b], colour, 1, cv2.LINE_AA)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw one batch of training or validation samples."""
    parser = argparse.ArgumentParser(description="Draw samples of the refiner's training.")
    add_sources(parser)
    parser.add_argument("--estimates", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the .png to write")
    parser.add_argument("--validation", action="store_true", help="of the validation split")
    parser.add_argument("--number", type=int, default=0, help="of the batch")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    train, validation = batch_makers(gather(given), given.estimates, seed=given.seed, batch_size=18)
    batch = (validation if given.validation else train)(given.number)
    tiles = [draw_sample(batch, row) for row in range(len(batch))]
    rows = [np.hstack(tiles[first : first + 6]) for first in range(0, len(tiles), 6)]
    if not cv2.imwrite(str(given.out), np.vstack(rows)):
        raise OutputError(f"{given.out}: cannot be written")


if __name__ == "__main__":
    main()
