"""Arithmetic of a network: multiplications and additions of its convolutions and products.

Counted at the shapes that really flow, which the run time tells: it runs the network as it is in
the file, without fusing anything, and notes the shape of every input and output.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime as ort

from steadypose.engines.runtimes.base import Array

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_PRODUCTS = ("MatMul", "Gemm")


def network_flops(graph: bytes, feeds: Mapping[str, Array]) -> int:
    """Floating-point operations of one call, a multiplication and an addition counted as two.

    What is not a convolution or a matrix product (activations, resizing, drawing poses) is not
    counted: it is a few per cent.

    Args:
        graph: The serialised network.
        feeds: What goes in.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_profiling = True
    # Weights that are packed beforehand are not told among the inputs.
    options.add_session_config_entry("session.disable_prepacking", "1")
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder, "calls"))
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        session.run(None, dict(feeds))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return sum(_flops(e["args"]) for e in events if e["name"].endswith("_kernel_time"))


def _flops(node: Mapping[str, Any]) -> int:
    name = node.get("op_name")
    if name not in (*_CONVOLUTIONS, *_PRODUCTS):
        return 0
    inputs, (output, *_) = _shapes(node["input_type_shape"]), _shapes(node["output_type_shape"])
    if name in _PRODUCTS:
        # Either side of Gemm may be transposed: (m k)(k n) has m k n = sqrt of all three areas.
        sides = math.prod(inputs[0]) * math.prod(inputs[1][-2:]) * math.prod(output[-2:])
        batch = math.prod(output[:-2])
        return 2 * batch * math.isqrt(sides // batch)
    filters = inputs[1]
    # A filter (M, C, h, w) is laid on each place of the output, a transposed one on each of the
    # input.
    places = output if name == "Conv" else inputs[0]
    return 2 * math.prod(places) * math.prod(filters[1:])


def _shapes(told: list[dict[str, list[int]]]) -> list[list[int]]:
    return [shape for tensor in told for shape in tensor.values()]
