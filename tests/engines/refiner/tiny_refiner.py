"""A refiner's ONNX, small and with known outputs, made for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from steadypose.engines.refiner.load import load_refiner
from steadypose.engines.refiner.refine import PoseRefiner

MOVE_PX = 2.0


def write_tiny_refiner(path: Path, *, joints: int = 19, half: bool = False) -> Path:
    """A refiner that moves what it is told, in crop pixels.

    Place: the pose's x + ``MOVE_PX`` and y; for a joint that the pose lacks, the prior's.
    Probability: half of the pose's score, a quarter of the prior's certainty and a quarter of the
    crop's mean brightness. With ``half`` all of it is computed in FP16.
    """
    kind, real = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
    constants = {
        "move": np.array([MOVE_PX, 0], real),
        "zero": np.array(0, real),
        "of_pose": np.array(0.5, real),
        "of_prior": np.array(0.25, real),
        "of_light": np.array(0.25 / 255, np.float32),
        "at_2": np.array([2], np.int64),
        "at_3": np.array([3], np.int64),
        "at_0": np.array([0], np.int64),
        "all_axes": np.array([1, 2, 3], np.int64),
        "shape": np.array([-1, 1, 1], np.int64),
    }
    steps = [
        ("Cast", ["pose"], "pose_"),
        ("Cast", ["prior"], "prior_"),
        ("Slice", ["pose_", "at_0", "at_2", "at_2"], "pose_xy"),
        ("Slice", ["pose_", "at_2", "at_3", "at_2"], "pose_score"),
        ("Slice", ["prior_", "at_0", "at_2", "at_2"], "prior_xy"),
        ("Slice", ["prior_", "at_2", "at_3", "at_2"], "prior_sure"),
        ("Add", ["pose_xy", "move"], "moved"),
        ("Greater", ["pose_score", "zero"], "there"),
        ("Where", ["there", "moved", "prior_xy"], "xy"),
        ("Cast", ["image"], "pixels"),
        ("ReduceMean", ["pixels"], "mean"),
        ("Reshape", ["mean", "shape"], "mean_"),
        ("Mul", ["mean_", "of_light"], "light_full"),
        ("Cast", ["light_full"], "light"),
        ("Mul", ["pose_score", "of_pose"], "first"),
        ("Mul", ["prior_sure", "of_prior"], "second"),
        ("Add", ["first", "second"], "both"),
        ("Add", ["both", "light"], "score"),
        ("Cast", ["xy"], "xy_full"),
        ("Cast", ["score"], "score_full"),
        ("Concat", ["xy_full", "score_full"], "keypoints"),
    ]
    full = {"pixels", "xy_full", "score_full"}
    extra: dict[str, dict[str, Any]] = {
        "Concat": {"axis": 2},
        "ReduceMean": {"axes": [1, 2, 3], "keepdims": 0},
    }
    nodes = []
    for op, inputs, output in steps:
        attributes = dict(extra.get(op, {}))
        if op == "Cast":
            attributes["to"] = TensorProto.FLOAT if output in full else kind
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3]),
        helper.make_tensor_value_info("pose", TensorProto.FLOAT, ["N", joints, 3]),
        helper.make_tensor_value_info("prior", TensorProto.FLOAT, ["N", joints, 3]),
    ]
    outputs = [helper.make_tensor_value_info("keypoints", TensorProto.FLOAT, ["N", joints, 3])]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny refiner", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


class Recorded:
    """An engine that remembers what went in."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.feeds: list[dict[str, NDArray[Any]]] = []
        self.path, self.name, self.runtime = engine.path, engine.name, engine.runtime
        self.inputs, self.outputs = engine.inputs, engine.outputs

    def infer(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.feeds.append(dict(feeds))
        found: dict[str, NDArray[Any]] = self.engine.infer(feeds)
        return found


def tiny_refiner(folder: Path, **options: Any) -> tuple[PoseRefiner, Recorded]:
    """A refiner on the tiny network, whose word alone counts, and what goes into it."""
    how = {"given_weight": 0.0, "keep_below": 0.25, **options}
    refiner = load_refiner(str(write_tiny_refiner(folder / "tiny.onnx")), **how)
    refiner.engine = recorded = Recorded(refiner.engine)
    return refiner, recorded
