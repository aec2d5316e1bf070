"""Small ONNX networks that see: the outline of one bright person, and a figure in a crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SIDE = 64
_DARK = 60.0


def write_detector(path: Path) -> Path:
    """A PicoDet-like network that finds the outline of what is bright, as one person."""
    constants = [
        numpy_helper.from_array(np.array(_DARK, np.float32), "dark"),
        numpy_helper.from_array(np.array(1, np.int64), "one"),
        numpy_helper.from_array(np.array([[0.9]], np.float32), "sure"),
    ]
    nodes = [
        helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Greater", ["wide", "dark"], ["lit"]),
        helper.make_node("Cast", ["lit"], ["bright"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["bright"], ["columns"], axes=[1, 3], keepdims=0),
        helper.make_node("ReduceMax", ["bright"], ["rows"], axes=[2, 3], keepdims=0),
        helper.make_node("Identity", ["sure"], ["scores"]),
    ]
    for line, low, high in (("columns", "x1", "x2"), ("rows", "y1", "y2")):
        nodes += [
            helper.make_node("ArgMax", [line], [low], axis=1),
            helper.make_node("ArgMax", [line], [f"{high}_last"], axis=1, select_last_index=1),
            helper.make_node("Add", [f"{high}_last", "one"], [high]),
        ]
    nodes += [
        helper.make_node("Concat", ["x1", "y1", "x2", "y2"], ["corners"], axis=1),
        helper.make_node("Cast", ["corners"], ["box"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["box", "one_axis"], ["boxes"]),
    ]
    constants.append(numpy_helper.from_array(np.array([1], np.int64), "one_axis"))
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", _SIDE, _SIDE, 3])
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", 1, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 1]),
    ]
    return _save(path, nodes, [image], outputs, constants)


def write_estimator(path: Path) -> Path:
    """A MoveNet-like network that lays one figure into every crop, whatever it shows."""
    random = np.random.default_rng(0)
    figure = random.uniform(0.2, 0.8, (1, 17, 3)).astype(np.float32)
    figure[..., 2] = 0.9
    constants = [
        numpy_helper.from_array(figure, "figure"),
        numpy_helper.from_array(np.array([2, 1], np.int64), "width_height"),
        numpy_helper.from_array(np.array([0], np.int64), "first"),
        numpy_helper.from_array(np.array([17, 3], np.int64), "joints"),
        numpy_helper.from_array(np.array([1], np.float32), "unit"),
    ]
    nodes = [
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Gather", ["shape", "width_height"], ["sides"]),
        helper.make_node("Cast", ["sides"], ["sides_f"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["sides_f", "unit"], ["scale"], axis=0),
        helper.make_node("Mul", ["figure", "scale"], ["laid"]),
        helper.make_node("Gather", ["shape", "first"], ["people"]),
        helper.make_node("Concat", ["people", "joints"], ["wanted"], axis=0),
        helper.make_node("Expand", ["laid", "wanted"], ["all"]),
        helper.make_node("ReduceSum", ["boxes"], ["used"], keepdims=0),
        helper.make_node("Mul", ["used", "zero"], ["nothing"]),
        helper.make_node("Add", ["all", "nothing"], ["keypoints"]),
    ]
    constants.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3]),
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", 2]),
    ]
    keypoints = helper.make_tensor_value_info("keypoints", TensorProto.FLOAT, ["N", 17, 3])
    return _save(path, nodes, inputs, [keypoints], constants)


def _save(path: Path, nodes: list, inputs: list, outputs: list, constants: list) -> Path:
    graph = helper.make_graph(nodes, "moving", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
