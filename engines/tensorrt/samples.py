"""Real pictures of people to compare engines on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines import zoo
from steadypose.engines.detectors import load_detector
from steadypose.engines.estimators import load_estimator
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.refiner.refine import in_coco19
from steadypose.engines.runtimes import Engine, RuntimeOptions
from steadypose.engines.runtimes.onnx_runtime import OnnxRuntimeEngine
from steadypose.errors import InputError
from steadypose.poses import Poses

Image = NDArray[np.uint8]

CLIP = "demo-clip"
"""Of the zoo."""

MOST_PICTURES = 16

_DETECTOR, _ESTIMATOR = "picodet-s", "movenet-thunder"
_SURE = 0.4


@dataclass(frozen=True, eq=False, kw_only=True)
class Samples:
    """Pictures and the people in them.

    Attributes:
        images: ``(H, W, 3)`` uint8 BGR.
        poses: For each its people, whose joints may be rough, in any skeleton.
        priors: For each ``(N, 19, 3)`` as ``PoseRefiner.refine`` takes them, or None.
    """

    images: Sequence[Image]
    poses: Sequence[Poses]
    priors: Sequence[NDArray[np.float32] | None]

    @property
    def people(self) -> int:
        """How many there are."""
        return sum(len(poses) for poses in self.poses)


def clip_pictures(most: int = MOST_PICTURES) -> list[Image]:
    """Pictures spread over the zoo's sample clip.

    Raises:
        ModelError: It is not at hand.
        InputError: It cannot be read.
    """
    path = zoo.locate(CLIP)
    # Not through PyAV, which is not needed where engines are built and run on their own.
    video = cv2.VideoCapture(str(path))
    try:
        return spread(_frames_of(video), most, str(path))
    finally:
        video.release()


def spread(frames: Iterable[Image], most: int, name: str) -> list[Image]:
    """At most ``most`` frames, evenly spread over however many there are.

    Raises:
        InputError: There are none in what is called ``name``.
    """
    kept: list[Image] = []
    step = 1
    for n, frame in enumerate(frames):
        if n % step == 0:
            kept.append(frame)
        if len(kept) == 2 * most:
            kept, step = kept[::2], 2 * step
    if not kept:
        raise InputError(f"{name}: holds no pictures")
    return kept[:: -(-len(kept) // most)]


def _frames_of(video: cv2.VideoCapture) -> Iterator[Image]:
    while True:
        there, frame = video.read()
        if not there:
            return
        image = np.asarray(frame, np.uint8)
        image.flags.writeable = False  # as of ``Frame``: engines may know it again
        yield image


def find_people(images: Sequence[Image]) -> Samples:
    """The people of pictures, found on the processor by the zoo's detector and estimator.

    In every other picture a refiner is told to expect them where they are, as a track would; in
    the others it expects nobody.

    Raises:
        ModelError: These models are not at hand.
        InputError: There is nobody in the pictures.
    """
    options = RuntimeOptions(device="cpu")
    detector, estimator = load_detector(_DETECTOR, options), load_estimator(_ESTIMATOR, options)
    boxes = []
    for image in images:
        found = detector.detect(image)
        boxes.append(found.boxes[found.scores >= _SURE])
    poses = estimator.estimate_many(images, boxes)
    if not any(len(p) for p in poses):
        raise InputError(
            f"nobody was found in {len(images)} pictures to compare engines on; give others"
        )
    expected = [_expected(p) if i % 2 else None for i, p in enumerate(poses)]
    return Samples(images=images, poses=poses, priors=expected)


def reference_engine(path: Path) -> Engine:
    """The network of an ONNX file in FP32 on the processor. Raises ModelError, EngineError."""
    return OnnxRuntimeEngine(path, graph=float32_graph(path))


def _expected(poses: Poses) -> NDArray[np.float32]:
    same = in_coco19(poses)
    joints = np.concatenate([same.keypoints, same.scores[..., None]], 2)
    return np.where(same.present[..., None], joints, 0).astype(np.float32)
