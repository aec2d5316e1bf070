"""What the networks are fed: noise for their time, people for their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.engines.contenders import Array
from steadypose.benchmarks.refiner.networks import PADDING, SIZE
from steadypose.engines import zoo
from steadypose.engines.crops import Crops, Size, cut
from steadypose.engines.detectors import load_detector
from steadypose.engines.estimators import load_estimator
from steadypose.engines.refiner.data.records import JOINTS
from steadypose.engines.runtimes import RuntimeOptions, TensorSpec
from steadypose.errors import InputError, ModelError

Image = NDArray[np.uint8]

_FRAMES_APART = 10
_LEAST_SCORE = 0.45


def noise(
    inputs: Mapping[str, TensorSpec], batch: int, seed: int, size: Size = SIZE
) -> dict[str, Array]:
    """Random inputs of a known network: pixels of any value, joints and boxes inside the crop.

    No network's time depends on what is to be seen, but zeros could run faster than real data.

    Raises:
        ModelError: An input is none of image, boxes, pose and prior.
    """
    rng = np.random.default_rng(seed)
    shape = inputs["image"].shape if "image" in inputs else (None,)
    if len(shape) != 4:
        raise _unknown(next(iter(inputs)))
    height, width = shape[1] or size[0], shape[2] or size[1]
    made: dict[str, Array] = {}
    for name in inputs:
        if name == "image":
            made[name] = rng.integers(0, 256, (batch, height, width, 3), np.uint8)
        elif name == "boxes":
            sides = rng.uniform(0.5, 0.9, (batch, 2)) * (width, height)
            made[name] = sides.astype(np.float32)
        elif name in ("pose", "prior"):
            joints = rng.uniform(0.2, 0.8, (batch, JOINTS, 3)) * (width, height, 1)
            made[name] = joints.astype(np.float32)
        else:
            raise _unknown(name)
    return made


def _unknown(name: str) -> ModelError:
    return ModelError(f"input '{name}': known are those of refiners and of the zoo's models")


@dataclass(frozen=True, eq=False)
class People:
    """Crops of real people and what a base estimator finds in them.

    Attributes:
        crops: Of one size.
        pose: ``(N, 19, 3)`` in crop pixels; the last two joints are missing.
    """

    crops: Crops
    pose: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pose)

    def feeds(self, inputs: Mapping[str, TensorSpec], part: slice) -> dict[str, Array]:
        """Some of them as inputs of a refiner or an estimator."""
        given: dict[str, Array] = {
            "image": self.crops.images[part],
            "boxes": self.crops.box_sizes[part],
            "pose": self.pose[part],
            "prior": np.zeros_like(self.pose[part]),
        }
        return {name: given[name] for name in inputs}


def pictures(folder: Path | None, most: int) -> list[Image]:
    """Up to ``most`` pictures of a folder, or frames of the demo clip, BGR.

    Raises:
        InputError: The folder holds no picture.
        ModelError: No folder is given and the demo clip is not at hand.
    """
    found = list(islice(_of_folder(folder) if folder else _of_clip(), most))
    if not found:
        raise InputError(f"{folder}: no pictures in it")
    return found


def find_people(images: Sequence[Image], most: int, threads: int) -> People:
    """Up to ``most`` people of some pictures, found and estimated on the processor.

    Raises:
        InputError: There is nobody in them.
    """
    options = RuntimeOptions(device="cpu", threads=threads)
    detector = load_detector("picodet-s", options, min_score=_LEAST_SCORE)
    network = load_estimator("movenet-lightning", options).network
    owners: list[Image] = []
    boxes: list[Any] = []
    for image in images:
        found = detector.detect(image).boxes[: most - len(boxes)]
        owners += [image] * len(found)
        boxes += list(found)
        if len(boxes) >= most:
            break
    if not boxes:
        raise InputError("no people in the pictures; name others with --images")
    crops = cut(owners, np.array(boxes), SIZE, PADDING)
    joints = np.nan_to_num(network.infer(crops))
    pose = np.zeros((len(joints), JOINTS, 3), np.float32)
    pose[:, : joints.shape[1]] = joints
    return People(crops, pose)


def _of_folder(folder: Path) -> Iterator[Image]:
    import cv2

    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is not None:
            yield np.asarray(image, np.uint8)


def _of_clip() -> Iterator[Image]:
    from steadypose.stream.sources import open_source

    source = open_source(str(zoo.locate("demo-clip")))
    try:
        for frame in islice(source, 0, None, _FRAMES_APART):
            yield frame.image
    finally:
        source.close()
