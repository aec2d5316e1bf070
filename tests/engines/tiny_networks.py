"""Small ONNX networks with known outputs, made for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int64): TensorProto.INT64}


def write_constant_network(
    path: Path,
    input_name: str,
    input_shape: list[int | str],
    outputs: Mapping[str, NDArray[np.generic]],
    input_type: int = TensorProto.FLOAT,
) -> Path:
    """A network that ignores its input and returns ``outputs``."""
    nodes, infos, constants = [], [], []
    for name, value in outputs.items():
        constants.append(numpy_helper.from_array(value, f"{name}_value"))
        nodes.append(helper.make_node("Identity", [f"{name}_value"], [name]))
        infos.append(helper.make_tensor_value_info(name, TYPES[value.dtype], value.shape))
    taken = helper.make_tensor_value_info(input_name, input_type, input_shape)
    graph = helper.make_graph(nodes, "constant", [taken], infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path
