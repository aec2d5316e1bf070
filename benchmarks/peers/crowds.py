"""Clips with so many people, pasted from pictures with COCO annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.accuracy.run import CocoSet
from steadypose.benchmarks.pasted import Image, pasted_scene
from steadypose.errors import InputError
from steadypose.geometry import box_iou

SIZE, HEIGHT, RATE = (720, 1280), 180, 25
"""Height and width of the pictures, height of a person in pixels, frames per second."""

_SLIMMEST, _STOUTEST = 1.7, 3.5
"""Height by width of people who stand or walk, as far as a box can tell."""

_SEEN_JOINTS = 15


def lone_people(data: CocoSet) -> list[Image]:
    """Crops of the people of a COCO set who stand, are alone, tall enough, and seen as a whole."""
    whole: dict[int, list[bool]] = {image_id: [] for image_id in data.images}
    for each in json.loads(data.path.read_text(encoding="utf-8"))["annotations"]:
        whole[each["image_id"]].append(each["num_keypoints"] >= _SEEN_JOINTS)
    crops = []
    for image_id in sorted(data.images):
        image, boxes = data.images[image_id], data.boxes[image_id]
        overlaps = box_iou(boxes, boxes)
        for row, (x1, y1, x2, y2) in enumerate(boxes.astype(int).tolist()):
            shape = (y2 - y1) / max(x2 - x1, 1)
            alone = np.delete(overlaps[row], row).max(initial=0) == 0
            fits = y2 - y1 >= HEIGHT and _SLIMMEST <= shape <= _STOUTEST
            if alone and fits and whole[image_id][row]:
                crops.append(image[max(y1, 0) : y2, max(x1, 0) : x2])
    if not crops:
        raise InputError(
            f"{data.path}: nobody in it who stands alone, {HEIGHT} px or taller, "
            f"with {_SEEN_JOINTS} joints"
        )
    return crops


def crowd_clip(crops: Sequence[Image], count: int, frames: int, path: Path) -> Path:
    """Encode a clip of ``count`` people, H.264, and return its path.

    Raises:
        InputError: So many people do not fit into a picture.
    """
    try:
        scenes = [
            pasted_scene(crops, count, SIZE, height=HEIGHT, time_s=n / RATE) for n in range(frames)
        ]
    except ValueError as error:
        raise InputError(f"--crowds: {error}") from error
    write_clip(scenes, path)
    return path


def write_clip(pictures: Sequence[NDArray[np.uint8]], path: Path, rate: int = RATE) -> None:
    """Encode BGR pictures of one size as H.264."""
    with av.open(str(path), "w") as container:
        made: Any = container.add_stream(
            "libx264", rate=Fraction(rate), options={"preset": "veryfast", "crf": "20"}
        )
        made.height, made.width = pictures[0].shape[:2]
        made.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(made.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(made.encode(None))
