"""Refiners are shipped in FP16, half as large; processors compute in FP32.

The file is rewritten field by field, so that it needs no package but numpy. Field numbers:
``onnx.proto`` of the ONNX standard.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from steadypose.engines.wire import encoded_fields, field, fields, integers
from steadypose.errors import EngineError, ModelError

_FULL, _HALF = 1, 10  # element types
_EXTERNAL = 1  # data location

# Fields of the messages: a model's, a graph's, a node's, an attribute's, a tensor's.
_GRAPH = 7
_NODE, _INITIALIZER, _VALUE_INFO = 1, 5, 13
_OP_TYPE, _ATTRIBUTE = 4, 5
_NAME, _INT, _TENSOR, _SUBGRAPH = 1, 3, 5, 6
_DATA_TYPE, _INT32_DATA, _RAW_DATA, _DATA_LOCATION = 2, 5, 9, 14


def float32_graph(path: Path) -> bytes:
    """The network of an ONNX file with every FP16 number as FP32, serialised.

    A run time on the CPU would else convert at every layer, back and forth. Weights keep their
    values, what flows between them is no longer rounded. The same file gives the same bytes.

    Raises:
        ModelError: The file cannot be read, or is no ONNX.
        EngineError: Its weights lie in other files.
    """
    try:
        model = list(encoded_fields(path.read_bytes()))
        graphs = [value for number, value, _ in model if number == _GRAPH]
        (graph,) = (value for value in graphs if isinstance(value, bytes))
        wide = field(_GRAPH, _wide_graph(graph))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except EngineError as error:
        raise EngineError(f"{path}: {error}") from error
    except (ValueError, ModelError) as error:  # not one graph, or no protobuf
        raise ModelError(f"{path}: not a readable ONNX file") from error
    return b"".join(wide if number == _GRAPH else encoded for number, _, encoded in model)


def _wide_graph(graph: bytes) -> bytes:
    wide = []
    for number, value, encoded in encoded_fields(graph):
        if number == _VALUE_INFO:
            continue  # what the exporter noted of the types in between no longer holds
        if number == _NODE and isinstance(value, bytes):
            encoded = field(_NODE, _wide_node(value))
        elif number == _INITIALIZER and isinstance(value, bytes):
            encoded = field(_INITIALIZER, _wide_tensor(value))
        wide.append(encoded)
    return b"".join(wide)


def _wide_node(node: bytes) -> bytes:
    is_cast = (_OP_TYPE, b"Cast") in fields(node)
    return b"".join(
        field(_ATTRIBUTE, _wide_attribute(value, is_cast))
        if number == _ATTRIBUTE and isinstance(value, bytes)
        else encoded
        for number, value, encoded in encoded_fields(node)
    )


def _wide_attribute(attribute: bytes, of_cast: bool) -> bytes:
    is_target = of_cast and (_NAME, b"to") in fields(attribute)
    wide = []
    for number, value, encoded in encoded_fields(attribute):
        if number == _INT and value == _HALF and is_target:
            encoded = field(_INT, _FULL)
        elif number == _TENSOR and isinstance(value, bytes):
            encoded = field(_TENSOR, _wide_tensor(value))
        elif number == _SUBGRAPH and isinstance(value, bytes):
            encoded = field(_SUBGRAPH, _wide_graph(value))
        wide.append(encoded)
    return b"".join(wide)


def _wide_tensor(tensor: bytes) -> bytes:
    """A tensor in FP32 if it is in FP16, else as it is."""
    parts = list(encoded_fields(tensor))
    if any(number == _DATA_LOCATION and value == _EXTERNAL for number, value, _ in parts):
        raise EngineError("its weights lie in other files; save it as one file")
    if not any(number == _DATA_TYPE and value == _HALF for number, value, _ in parts):
        return tensor
    raw = b"".join(v for number, v, _ in parts if number == _RAW_DATA and isinstance(v, bytes))
    # Without raw bytes each number's sixteen bits are written as an integer.
    loose = [x for number, v, _ in parts if number == _INT32_DATA for x in integers(v)]
    half = np.frombuffer(raw, "<f2") if raw else np.array(loose, "<u2").view("<f2")
    kept = [e for number, _, e in parts if number not in (_DATA_TYPE, _INT32_DATA, _RAW_DATA)]
    data = field(_RAW_DATA, half.astype("<f4").tobytes())
    return b"".join(kept) + field(_DATA_TYPE, _FULL) + data
