"""Frames with a given number of real people: cut out of a clip, pasted on its blurred picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines.detectors import Detector
from steadypose.errors import InputError
from steadypose.frame import Frame
from steadypose.geometry import box_iou
from steadypose.stream.sources import open_source

Image = NDArray[np.uint8]

SIZE = (720, 1280)
MOST = 30
_COLUMNS, _ROWS = 10, 3
_MARGIN = 0.08
"""Of a box's sides, which is cut out with the person on each side."""
_FPS = 25.0
_SURE = 0.5
_APART = 0.1
_LOOKS = 8


@dataclass(frozen=True, eq=False)
class Cutout:
    """A person's picture, and the box ``(4,)`` x1 y1 x2 y2 of the person in it."""

    image: Image
    box: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """Frames of as many people, and where they are: ``(N, 4)`` x1 y1 x2 y2 for each frame."""

    frames: list[Frame]
    boxes: list[NDArray[np.float32]]


def cut_people(clip: Path, detector: Detector) -> tuple[list[Cutout], Image]:
    """Whole people of a clip who stand apart from others, and a picture to paste them on.

    Raises:
        InputError: There is nobody, or the clip cannot be read.
    """
    source = open_source(clip)
    try:
        images = [frame.image for frame, _ in zip(source, range(_LOOKS * 8), strict=False)]
    finally:
        source.close()
    found = [cutout for image in images[::8] for cutout in _people(image, detector)]
    if not found:
        raise InputError(f"{clip}: nobody who stands whole and apart in its first frames")
    ground = cv2.resize(images[0], SIZE[::-1], interpolation=cv2.INTER_AREA)
    return found, np.asarray(cv2.GaussianBlur(ground, (0, 0), 25), np.uint8)


def _people(image: Image, detector: Detector) -> list[Cutout]:
    detections = detector.detect(image)
    boxes = detections.boxes[detections.scores >= _SURE].astype(np.float64)
    alone = (box_iou(boxes, boxes) > _APART).sum(1) == 1
    limits = np.array([image.shape[1], image.shape[0]] * 2, np.float64)
    cutouts = []
    for box in boxes[alone]:
        sides = box[2:] - box[:2]
        wide = np.concatenate([box[:2] - _MARGIN * sides, box[2:] + _MARGIN * sides])
        # Who touches the frame's edge may be cut off there; lying people need another cell.
        if (wide < 0).any() or (wide > limits).any() or sides[1] < 1.2 * sides[0]:
            continue
        x1, y1, x2, y2 = np.rint(wide).astype(int)
        place = (box - np.tile([x1, y1], 2)).astype(np.float32)
        cutouts.append(Cutout(image[y1:y2, x1:x2].copy(), place))
    return cutouts


def make_scene(
    cutouts: list[Cutout], ground: Image, people: int, frames: int, seed: int = 0
) -> Scene:
    """People in cells of a grid, as tall as each other, who sway a little from frame to frame.

    Raises:
        InputError: More people than cells.
    """
    if people > MOST:
        raise InputError(f"--people: expected at most {MOST}, got {people}")
    cells = np.random.default_rng(seed).permutation(MOST)[:people]
    cell = np.array([SIZE[1] / _COLUMNS, SIZE[0] / _ROWS])
    scene = Scene([], [])
    for number in range(frames):
        image, boxes = ground.copy(), []
        sway = 4.0 * np.sin(2 * np.pi * number / _FPS)
        for n, place in enumerate(cells.tolist()):
            corner = cell * (place % _COLUMNS, place // _COLUMNS) + (4 + sway * (n % 2), 4)
            boxes.append(_paste(image, cutouts[n % len(cutouts)], corner, cell - 8))
        frame = Frame(number, number / _FPS, number / _FPS, image, "pasted")
        scene.frames.append(frame)
        scene.boxes.append(np.array(boxes, np.float32).reshape(-1, 4))
    return scene


def _paste(
    image: Image, cutout: Cutout, corner: NDArray[np.float64], cell: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Lay a cutout into the cell at a corner; the person's box in the picture."""
    height, width = cutout.image.shape[:2]
    scale = min(cell[0] / width, cell[1] / height)
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    small = cv2.resize(cutout.image, size, interpolation=cv2.INTER_AREA)
    x, y = max(0, int(corner[0])), max(0, int(corner[1]))
    part = image[y : y + size[1], x : x + size[0]]
    part[:] = small[: part.shape[0], : part.shape[1]]
    return np.asarray(cutout.box * scale + np.tile([x, y], 2), np.float64)
