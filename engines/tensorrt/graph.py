"""A network's file as TensorRT wants it: FP16 or FP32 throughout, bytes converted on entry."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import ModelProto, TensorProto, helper

from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.tensorrt.halve import (
    constants_to_initializers,
    halve,
    sizes_by_type,
    weight_names,
)
from steadypose.errors import EngineError, ModelError

_BYTE = TensorProto.UINT8
# What moves bytes about without computing with them.
_MOVES = ("Flatten", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")


def prepare_graph(path: Path, *, half: bool) -> bytes:
    """A network's file as a graph that TensorRT's parser takes.

    TensorRT takes uint8 inputs only where the first thing that happens to them is a conversion; it
    is moved there.

    Args:
        path: The ``.onnx`` file, whole in one file.
        half: FP16: a file whose weights are FP16 as it is, another converted by ``halve``. Else
            FP32, weights and what flows between them.

    Returns:
        The serialised graph. Names, types and shapes of inputs and outputs are the file's.

    Raises:
        ModelError: The file cannot be read, or is no ONNX.
        EngineError: It cannot be made what TensorRT takes.
    """
    model = load_network(path)
    constants_to_initializers(model.graph)
    weights = [t for t in model.graph.initializer if t.name in weight_names(model)]
    sizes = sizes_by_type(weights)
    is_half = sizes.get(TensorProto.FLOAT16, 0) > sizes.get(TensorProto.FLOAT, 0)
    if not half:
        model = onnx.load_from_string(float32_graph(path))
    elif not is_half and not halve(model, str(path)):
        raise EngineError(f"{path}: has no layers with FP32 or FP16 weights to run in FP16")
    _convert_bytes_first(model, path)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # the checker raises errors of its own and of protobuf
        first = str(error).strip().splitlines()[0]
        raise EngineError(f"{path}: cannot be prepared for TensorRT: {first}") from error
    return bytes(model.SerializeToString(deterministic=True))


def load_network(path: Path) -> ModelProto:
    """Read an ONNX file that holds all its weights. Raises ModelError or EngineError."""
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # protobuf raises errors of its own
        raise ModelError(f"{path}: not a readable ONNX file") from error
    if not model.opset_import or not model.graph.node:  # as bytes of anything may be read
        raise ModelError(f"{path}: not a readable ONNX file")
    if any(t.data_location == TensorProto.EXTERNAL for t in model.graph.initializer):
        raise EngineError(f"{path}: its weights lie in other files; save it as one file")
    return model


def _convert_bytes_first(model: ModelProto, path: Path) -> None:
    """Put a Cast to FP32, exact for bytes, right behind every uint8 input."""
    graph = model.graph
    for info in graph.input:
        if info.type.tensor_type.elem_type != _BYTE:
            continue
        _check_only_moved(model, info.name, path)
        full = f"{info.name}/full"
        for node in graph.node:
            node.input[:] = [full if x == info.name else x for x in node.input]
        cast = helper.make_node("Cast", [info.name], [full], name=full, to=TensorProto.FLOAT)
        graph.node.insert(0, cast)
    # What is noted of the moved bytes' types no longer holds.
    del graph.value_info[:]


def _check_only_moved(model: ModelProto, name: str, path: Path) -> None:
    """Raise EngineError where bytes are computed with as bytes, which FP32 would change."""
    moved = {name}
    for node in model.graph.node:
        if not moved.intersection(node.input) or node.op_type in ("Cast", "Shape"):
            continue
        if node.op_type not in _MOVES:
            raise EngineError(
                f"{path}: node '{node.name}' ({node.op_type}) computes with the bytes of input "
                f"'{name}'; export it with a Cast to float first"
            )
        moved.update(node.output)
    if moved.intersection(output.name for output in model.graph.output):
        raise EngineError(f"{path}: input '{name}' is handed out again as bytes")
