"""A refiner of three convolutions, for INT8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FIRST, FILTER, LAST = "/trunk/first/Conv", "/trunk/filter/Conv", "/head/last/Conv"
CHANNELS = 4
CROP = (32, 24)
SEEN = np.array([1, 1, 1, 20], np.float32)
LOUD = np.array([16, 16, 16, 0.05], np.float32)
"""How large the channels of the first layer and the filters of the second are: in INT8 with one
scale for all filters the last is nothing."""


def write_network(path: Path, *, layers: bool = True) -> Path:
    """A refiner that moves all joints of a person by what three convolutions see in the crop."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(3, CHANNELS, 1, 1)) / (SEEN * LOUD)[:, None, None]
    tensors = {
        "first": np.abs(rng.normal(size=(CHANNELS, 3, 3, 3))) * SEEN[:, None, None, None] / 500,
        "filter": np.abs(rng.normal(size=(CHANNELS, 1, 3, 3))) * LOUD[:, None, None, None],
        "last": mixed / 4,
        "bias": rng.normal(size=CHANNELS) * LOUD,
        "no": np.zeros(1),
    }
    values = {name: value.astype(np.float32) for name, value in tensors.items()}
    integers = {"shape": np.array([0, 1, 3], np.int64)}
    nodes = [
        helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "first"], ["a"], FIRST, strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"], "/trunk/Relu"),
        helper.make_node("Conv", ["b", "filter", "bias"], ["c"], FILTER, group=CHANNELS),
        helper.make_node("Relu", ["c"], ["d"], "/trunk/Relu_1"),
        helper.make_node("Conv", ["d", "last"], ["e"], LAST),
        helper.make_node("GlobalAveragePool", ["e" if layers else "x"], ["f"], "/pool"),
        helper.make_node("Reshape", ["f", "shape"], ["g"]),
        helper.make_node("Mul", ["prior", "no"], ["h"]),
        helper.make_node("Add", ["pose", "g"], ["i"]),
        helper.make_node("Add", ["i", "h"], ["keypoints"]),
    ]
    if not layers:
        del nodes[2:7]
    joints = [helper.make_tensor_value_info(n, 1, ["N", 19, 3]) for n in ("pose", "prior")]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3])
    output = helper.make_tensor_value_info("keypoints", 1, ["N", 19, 3])
    constants = [numpy_helper.from_array(v, n) for n, v in (values | integers).items()]
    graph = helper.make_graph(nodes, "three", [image, *joints], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def batch(seed: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    nothing = np.zeros((4, 19, 3), np.float32)
    images = rng.integers(0, 256, (4, *CROP, 3), np.uint8)
    return {"image": images, "pose": nothing, "prior": nothing}
