"""The base estimators and the refiner, on boxes of pictures and on crops."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.arguments import WHOLE
from steadypose.engines.crops import CropPolicy, Crops, Size, cut
from steadypose.engines.estimators import load_estimator
from steadypose.engines.refiner.data.records import JOINTS
from steadypose.engines.runtimes import Engine, RuntimeOptions, load_engine
from steadypose.errors import ModelError
from steadypose.skeletons import COCO17

Image = NDArray[np.uint8]
Joints = NDArray[np.float32]

SIZE: Size = (256, 192)
PADDING = 1.15
"""Of crops for MoveNet and the refiner alike."""
_WHOLE_SIDE = 512


class Base:
    """A base estimator.

    Args:
        name: Of the zoo, or a file; with ``@512`` after it each person is seen as large as in a
            picture that is letterboxed to 512 px.
        threads: Of one call.

    Attributes:
        name: As given.
        sha256: Of the model's file.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.name, self._whole = name, name.endswith(WHOLE)
        policy = CropPolicy(sizes=(SIZE,), padding=PADDING)
        model = name.removesuffix(WHOLE)
        estimator = load_estimator(model, RuntimeOptions(threads=threads), policy=policy)
        if estimator.skeleton.name != COCO17.name:
            raise ModelError(f"{name}: expected an estimator of COCO's 17 joints")
        self._network = estimator.network
        self._size = estimator.network.fixed_size or SIZE
        self.sha256 = sha256_of(estimator.network.engine.path)

    @property
    def engine(self) -> Engine:
        """What runs it."""
        return self._network.engine

    def on_crops(self, crops: Crops) -> Joints:
        """``(N, 19, 3)`` x, y in crop pixels, score; head top and neck have score 0."""
        found = np.zeros((len(crops.images), JOINTS, 3), np.float32)
        joints = self._network.infer(crops)
        found[:, : len(COCO17)] = np.nan_to_num(joints)
        found[..., 2] = found[..., 2].clip(0, 1)
        return found

    def estimate(self, images: list[Image], boxes: NDArray[np.float32]) -> Joints:
        """``(N, 19, 3)`` of N boxes, each of a picture of its own; x, y in its pixels."""
        if self._whole:
            crops = whole_views(images, boxes)
        else:
            crops = cut(images, boxes, self._size, self._network.padding)
        found = self.on_crops(crops)
        found[..., :2] = crops.to_frame(found[..., :2])
        return found


def whole_views(images: list[Image], boxes: NDArray[np.float32]) -> Crops:
    """Crops of 512 px with people in the middle, at the scale of the letterboxed picture."""
    longest = np.array([max(image.shape[:2]) for image in images], np.float32)[:, None]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    windows = np.concatenate([middles - longest / 2, middles + longest / 2], 1)
    crops = cut(images, windows, (_WHOLE_SIDE, _WHOLE_SIDE), 1.0)
    sizes = (boxes[:, 2:] - boxes[:, :2]) / crops.scales[:, None]
    return Crops(crops.images, crops.scales, crops.centres, sizes.astype(np.float32))


class RefinerFile:
    """An exported refiner.

    Args:
        path: The ONNX file.
        threads: Of one call.

    Attributes:
        path, sha256: The file.
        record: What the export wrote into it, ``variant`` and ``precision`` among it.

    Raises:
        ModelError: The file is no exported refiner.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self.engine = load_engine(path, RuntimeOptions(threads=threads))
        if set(self.engine.inputs) != {"image", "pose", "prior"}:
            raise ModelError(f"{path}: not a refiner: it takes {', '.join(self.engine.inputs)}")
        self.path, self.sha256 = path, sha256_of(path)
        self.record = record_of(path)

    @property
    def variant(self) -> str:
        """``fast``, ``accurate``, or ``unknown``."""
        return str(self.record.get("variant", "unknown"))

    def on_crops(self, images: Image, pose: Joints, prior: Joints | None = None) -> Joints:
        """``(N, 19, 3)`` x, y in crop pixels and probability; all inputs in crop pixels."""
        told = np.zeros_like(pose) if prior is None else prior
        feeds: dict[str, NDArray[Any]] = {"image": images, "pose": pose, "prior": told}
        return np.asarray(self.engine.infer(feeds)["keypoints"], np.float32)

    def refine(
        self,
        images: list[Image],
        boxes: NDArray[np.float32],
        pose: Joints,
        prior: Joints | None = None,
    ) -> Joints:
        """Refine N poses ``(N, 19, 3)`` in boxes, each of a picture of its own, in its pixels."""
        crops = cut(images, boxes, SIZE, PADDING)
        told = None if prior is None else to_crop(crops, prior)
        found = self.on_crops(crops.images, to_crop(crops, pose), told)
        found[..., :2] = crops.to_frame(found[..., :2])
        return found


def to_crop(crops: Crops, joints: Joints) -> Joints:
    """Joints ``(N, K, 3)`` in frame pixels as joints in crop pixels; zeros where the score is 0."""
    middle = np.array([crops.images.shape[2], crops.images.shape[1]]) / 2
    away = (joints[..., :2] - crops.centres[:, None]) / crops.scales[:, None, None]
    moved = np.concatenate([away + middle, joints[..., 2:]], 2).astype(np.float32)
    return np.where(joints[..., 2:] > 0, moved, np.float32(0))


def sha256_of(path: Path) -> str:
    """Digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record_of(path: Path) -> dict[str, Any]:
    """What the export wrote into an ONNX file; empty where it wrote nothing."""
    entries = onnx.load(path, load_external_data=False).metadata_props
    for entry in entries:
        if entry.key == "steadypose":
            record: dict[str, Any] = json.loads(entry.value)
            return record
    return {}
