"""Rewrites of exported graphs keep their results."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from steadypose.engines.refiner.onnx_passes import fold_padding

RNG = np.random.default_rng(5)


def model(pads: list[int], *, value: float = 0.0, reread: bool = False) -> onnx.ModelProto:
    """A picture padded by ``pads`` (its amounts made by a node), then a 3x3 filter of stride 2."""
    half = np.array(pads, np.int64) - 1
    constants = {
        "weight": RNG.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "half": half,
        "one": np.array([1], np.int64),
        "value": np.array(value, np.float32),
    }
    nodes = [
        helper.make_node("Add", ["half", "one"], ["pads"]),
        helper.make_node("Pad", ["x", "pads", "value"], ["wide"]),
        helper.make_node("Conv", ["wide", "weight"], ["y"], strides=[2, 2], kernel_shape=[3, 3]),
    ]
    outputs = ["y"]
    if reread:
        nodes.append(helper.make_node("Identity", ["wide"], ["z"]))
        outputs.append("z")
    graph = helper.make_graph(
        nodes,
        "padded",
        [helper.make_tensor_value_info("x", 1, [1, 3, 8, 8])],
        [helper.make_tensor_value_info(name, 1, None) for name in outputs],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(made: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = np.random.default_rng(6).normal(size=(1, 3, 8, 8)).astype(np.float32)
    return np.asarray(session.run(["y"], {"x": x})[0])


@pytest.mark.parametrize("pads", [[0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 2, 1, 0, 0, 1, 0]], ids=str)
def test_padding_goes_into_the_convolution(pads: list[int]) -> None:
    made = model(pads)
    before = run(made)
    assert fold_padding(made) == 1
    assert "Pad" not in {node.op_type for node in made.graph.node}
    np.testing.assert_allclose(run(made), before, atol=1e-6)


@pytest.mark.parametrize(
    "made",
    [
        model([0, 0, 0, 0, 0, 0, 1, 1], value=1.0),
        model([0, 1, 0, 0, 0, -1, 1, 1]),
        model([0, 0, 0, 0, 0, 0, 1, 1], reread=True),
    ],
    ids=["not zeros", "other axes", "read elsewhere"],
)
def test_other_padding_stays(made: onnx.ModelProto) -> None:
    before = run(made)
    assert fold_padding(made) == 0
    np.testing.assert_allclose(run(made), before, atol=1e-6)
