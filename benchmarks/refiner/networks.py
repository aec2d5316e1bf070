"""The base estimators and the refiner, as they run in use, on boxes of pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.arguments import WHOLE
from steadypose.engines import zoo
from steadypose.engines.crops import CropPolicy, Crops, Size, cut
from steadypose.engines.estimators import load_estimator
from steadypose.engines.refiner import PoseRefiner, load_refiner
from steadypose.engines.refiner.data.records import JOINTS
from steadypose.engines.refiner.load import refiner_path
from steadypose.engines.runtimes import Engine, RuntimeOptions
from steadypose.errors import ModelError
from steadypose.poses import Poses
from steadypose.skeletons import COCO17, COCO19

Image = NDArray[np.uint8]
Joints = NDArray[np.float32]

SIZE: Size = (256, 192)
PADDING = 1.15
"""Of crops for MoveNet and the refiner alike."""
POLICY = CropPolicy(sizes=(SIZE,), padding=PADDING)
_WHOLE_SIDE = 512


class Base:
    """A base estimator.

    Args:
        name: Of the zoo, or a file; with ``@512`` after it each person is seen as large as in a
            picture that is letterboxed to 512 px.
        threads: Of one call.

    Attributes:
        name: As given; of a file its name without folder.
        whole: Whether people are seen as in a whole picture.
        sha256: Of the model's file.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.name, self.whole = Path(name).name, name.endswith(WHOLE)
        model = name.removesuffix(WHOLE)
        estimator = load_estimator(
            model, RuntimeOptions(device="cpu", threads=threads), policy=POLICY
        )
        if estimator.skeleton.name != COCO17.name:
            raise ModelError(f"{name}: expected an estimator of COCO's 17 joints")
        self._network = estimator.network
        self._size = estimator.network.fixed_size or SIZE
        self.sha256 = zoo.file_sha256(estimator.network.engine.path)

    @property
    def engine(self) -> Engine:
        """What runs it."""
        return self._network.engine

    def estimate(self, images: list[Image], boxes: NDArray[np.float32]) -> Joints:
        """``(N, 19, 3)`` of N boxes, each of a picture of its own; x, y in its pixels.

        Head top and neck have score 0.
        """
        if self.whole:
            crops = whole_views(images, boxes)
        else:
            crops = cut(images, boxes, self._size, self._network.padding)
        joints = np.nan_to_num(self._network.infer(crops))
        found = np.zeros((len(boxes), JOINTS, 3), np.float32)
        found[:, : len(COCO17), :2] = crops.to_frame(joints[..., :2])
        found[:, : len(COCO17), 2] = joints[..., 2].clip(0, 1)
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
        model: Name of one that is shipped, or the ONNX file.
        threads: Of one call.
        how: ``flip``, ``given_weight`` and ``keep_below`` of ``PoseRefiner``, where they are not
            the usual ones.
        engine: Runs it in another form; None runs it in FP32, or in INT8.
        int8: Run the file in INT8 that lies beside it.

    Attributes:
        path, sha256: The file.
        how: As given.
        record: What the export wrote into the file that runs, ``variant`` and ``precision`` among
            it.

    Raises:
        ModelError: The file is no exported refiner, or there is none in INT8.
    """

    def __init__(
        self,
        model: str,
        threads: int,
        *,
        how: Mapping[str, Any] | None = None,
        engine: Engine | None = None,
        int8: bool = False,
    ) -> None:
        self.path, self.how = refiner_path(model), dict(how or {})
        if engine is None:
            options = RuntimeOptions(device="cpu", threads=threads)
            self._refiner = load_refiner(model, options, policy=POLICY, int8=int8, **self.how)
        else:
            self._refiner = PoseRefiner(engine, POLICY, **self.how)
        self.sha256, self.record = zoo.file_sha256(self.path), record_of(self.engine.path)
        if int8 and self.engine.path == self.path:
            raise ModelError(
                f"{self.path}: no file in INT8 beside it; make one with steadypose export "
                "--precision int8"
            )

    @property
    def engine(self) -> Engine:
        """What runs it."""
        return self._refiner.engine

    @property
    def variant(self) -> str:
        """``fast``, ``accurate``, or ``unknown``."""
        return str(self.record.get("variant", "unknown"))

    @property
    def precision(self) -> str:
        """``fp16``, ``fp32``, ``int8`` where that is what runs, or ``unknown``."""
        return str(self.record.get("precision", "unknown"))

    def refine(
        self,
        images: list[Image],
        boxes: NDArray[np.float32],
        pose: Joints,
        prior: Joints | None = None,
    ) -> Joints:
        """Refine N poses ``(N, 19, 3)`` in boxes, each of a picture of its own, in its pixels."""
        rows = [slice(i, i + 1) for i in range(len(boxes))]
        given = [Poses.create(pose[i], boxes=boxes[i], skeleton=COCO19) for i in rows]
        told = None if prior is None else [prior[i] for i in rows]
        found = Poses.concatenate(self._refiner.refine_many(images, given, told), COCO19)
        return np.concatenate([np.nan_to_num(found.keypoints), found.scores[..., None]], 2)


def record_of(path: Path) -> dict[str, Any]:
    """What the export wrote into an ONNX file; empty where it wrote nothing."""
    entries = onnx.load(path, load_external_data=False).metadata_props
    for entry in entries:
        if entry.key == "steadypose":
            record: dict[str, Any] = json.loads(entry.value)
            return record
    return {}
