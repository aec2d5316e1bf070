"""A network like an estimator of the zoo, with known outputs, made for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_tiny_estimator(path: Path) -> Path:
    """Finds 17 joints on a line across the crop: the box's width and height times 0 to 16."""
    constants = {
        "steps": np.arange(17, dtype=np.float32).reshape(1, 17, 1),
        "sure": np.full((1, 17, 1), 0.5, np.float32),
        "axes": np.array([1], np.int64),
        "shape": np.array([-1, 1, 1], np.int64),
        "nothing": np.array(0, np.float32),
    }
    nodes = [
        helper.make_node("Unsqueeze", ["boxes", "axes"], ["boxes_"]),
        helper.make_node("Mul", ["boxes_", "steps"], ["xy"]),
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["light"]),
        helper.make_node("Mul", ["light", "nothing"], ["dark"]),
        helper.make_node("Add", ["dark", "sure"], ["score"]),
        helper.make_node("Concat", ["xy", "score"], ["keypoints"], axis=2),
    ]
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3]),
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", 2]),
    ]
    outputs = [helper.make_tensor_value_info("keypoints", TensorProto.FLOAT, ["N", 17, 3])]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "estimator", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return path
