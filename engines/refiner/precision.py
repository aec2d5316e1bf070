"""Refiners are shipped in FP16, half as large; processors compute in FP32."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
from onnx import GraphProto, TensorProto, numpy_helper

from steadypose.errors import ModelError

_HALF, _FULL = TensorProto.FLOAT16, TensorProto.FLOAT


def float32_graph(path: Path) -> bytes:
    """The network of an ONNX file with every FP16 number as FP32, serialised.

    A run time on the CPU would else convert at every layer, back and forth. Weights keep their
    values, what flows between them is no longer rounded. The same file gives the same bytes.

    Raises:
        ModelError: The file cannot be read, or is no ONNX.
    """
    try:
        model = onnx.load(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # protobuf raises errors of its own
        raise ModelError(f"{path}: not a readable ONNX file") from error
    _widen(model.graph)
    return bytes(model.SerializeToString(deterministic=True))


def _widen(graph: GraphProto) -> None:
    _widen_tensors(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            _widen_tensors([attribute.t])
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == _HALF:
                attribute.i = _FULL
            if attribute.HasField("g"):
                _widen(attribute.g)
    # What the exporter noted of the types in between no longer holds.
    del graph.value_info[:]


def _widen_tensors(tensors: Iterable[TensorProto]) -> None:
    for tensor in tensors:
        if tensor.data_type == _HALF:
            wide = numpy_helper.to_array(tensor).astype("float32")
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
