"""Small networks for the tests, and FP16 networks with every rounding where a GPU rounds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from steadypose.engines import zoo
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.tensorrt import Flavour
from steadypose.engines.tensorrt.halve import tensor_types
from steadypose.engines.zoo.lookup import status

OPSET = 17


def rtx() -> Flavour:
    """The real TensorRT for RTX, which builds without a GPU; skips where it is not installed."""
    reason = "tensorrt_rtx is not installed (it is for Linux on x86-64)"
    module = pytest.importorskip("tensorrt_rtx", reason=reason, exc_type=ImportError)
    return Flavour.of(module)


def zoo_model(name: str) -> Path:
    """A converted model of the cache; skips where it is not there."""
    if "STEADYPOSE_CACHE" not in os.environ:
        pytest.skip("STEADYPOSE_CACHE is not set")
    if not {state.entry.name: state.ready for state in status()}[name]:
        pytest.skip(f"not in the cache; run: steadypose models fetch {name}")
    return zoo.locate(name)


def write_network(
    path: Path,
    *,
    shape: Sequence[int | str] = ("N", "H", "W", 3),
    dtype: int = TensorProto.UINT8,
    first: str = "Transpose",
    name: str = "small",
) -> Path:
    """A picture's two convolutions with a Softmax between, and a decoder that takes the mean.

    Its scale is a constant that the trunk and the decoder share.
    """
    random = np.random.default_rng(3)
    weights = {
        "first": random.normal(size=(16, 3, 3, 3)).astype(np.float32) / 64,
        "last": random.normal(size=(32, 16, 3, 3)).astype(np.float32) / 8,
        "scale": np.float32(1.5),
        "double": np.array([1, 1, 2, 2], np.float32),
        "axes": np.array([2, 3]),
    }
    nodes = [
        helper.make_node("Cast", ["planes"], ["full"], to=TensorProto.FLOAT, name="cast"),
        helper.make_node("Mul", ["full", "scale"], ["normal"], name="normalise"),
        helper.make_node("Conv", ["normal", "first"], ["c1"], pads=[1, 1, 1, 1], name="conv1"),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu"),
        helper.make_node("Mul", ["r1", "scale"], ["m1"], name="inside"),
        helper.make_node("Resize", ["m1", "", "double"], ["large"], name="resize"),
        helper.make_node("Softmax", ["large"], ["share"], axis=1, name="softmax"),
        helper.make_node("Conv", ["share", "last"], ["c2"], pads=[1, 1, 1, 1], name="conv2"),
        helper.make_node("Mul", ["c2", "scale"], ["scaled"], name="outside"),
        helper.make_node("ReduceSum", ["scaled", "axes"], ["out"], keepdims=0, name="decode/sum"),
    ]
    if first == "Add":  # bytes that wrap around
        nodes.insert(0, helper.make_node("Add", ["image", "image"], ["planes"], name="wrap"))
    elif first == "Det":
        nodes.insert(0, helper.make_node("Det", ["normal"], ["unused"], name="the_det"))
        nodes[0], nodes[1], nodes[2] = nodes[1], nodes[2], nodes[0]
        nodes.insert(0, _transpose())
    else:
        nodes.insert(0, _transpose())
    return save(path, nodes, [("image", dtype, shape)], [("out", ["N", 32])], weights, name)


def _transpose() -> onnx.NodeProto:
    return helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2], name="planes")


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: Sequence[tuple[str, int, Sequence[int | str]]],
    outputs: Sequence[tuple[str, Sequence[int | str]]],
    constants: dict[str, Any],
    name: str = "small",
) -> Path:
    """Write a network with float32 outputs."""
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(*spec) for spec in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.save(model, path)
    return path


def run(graph: bytes, feeds: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Outputs of a serialised network in ONNX Runtime, on one core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, feeds)]


def rounded(graph: bytes, folder: Path) -> bytes:
    """An FP32 network whose every tensor that ``graph`` has in FP16 is rounded to FP16.

    ONNX Runtime on a processor leaves such roundings out. Here each is arithmetic: with
    c = (2 ** 13 + 1) x, c - (c - x) is x with the 11 bits of FP16 (Dekker, Numer. Math. 18, 1971).
    """
    half = onnx.load_from_string(graph)
    types, constants = tensor_types(half), {t.name for t in half.graph.initializer}
    wanted = {n for n, t in types.items() if t == TensorProto.FLOAT16 and n not in constants}
    path = folder / "half.onnx"
    path.write_bytes(graph)
    model = onnx.load_from_string(float32_graph(path))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(8193), "splitter"))
    nodes = []
    for node in model.graph.node:
        made = [name for name in node.output if name in wanted]
        node.output[:] = [f"{x}.raw" if x in wanted else x for x in node.output]
        nodes.append(node)
        for x in made:
            nodes.append(helper.make_node("Mul", [f"{x}.raw", "splitter"], [f"{x}.c"]))
            nodes.append(helper.make_node("Sub", [f"{x}.c", f"{x}.raw"], [f"{x}.d"]))
            nodes.append(helper.make_node("Sub", [f"{x}.c", f"{x}.d"], [x]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return bytes(model.SerializeToString())
