"""Evidence that an engine which is called FP16 is FP16."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from steadypose.engines.tensorrt.halve import HALF_SUFFIX, weight_names
from steadypose.errors import EngineError

# Fewer or repeated values may lie in a plan by chance.
_LEAST_VALUES = 256
_LEAST_DISTINCT = 32
# Shares of the graph's weights. Builders fold some weights into others, which leaves them in
# neither form; layers that the graph keeps in FP32 are no weights of its FP16 part.
_SHOWN_HALF = 0.5
_TOO_MUCH_FULL = 0.1
_HALF_WORDS, _FULL_WORDS = ("half", "fp16"), ("float", "fp32")
_WEIGHTED_LAYERS = ("convolution", "conv", "gemm", "matrixmultiply", "correlation")


def assert_half(
    plan: bytes,
    graph: bytes,
    *,
    name: str,
    full_graph: bytes | None = None,
    layers: str | None = None,
    typed_half_layers: int = 0,
) -> dict[str, Any]:
    """Make sure that an engine computes in FP16, from the engine itself.

    Args:
        plan: The serialised engine.
        graph: The FP16 graph of the network, as of ``prepare_graph``.
        name: What to call the network in an error.
        full_graph: Its FP32 graph, whose weights are looked for as well as those of the FP16 graph
            in FP32: they differ where FP16 rounded them.
        layers: What TensorRT's engine inspector says of the engine as JSON, where there is a GPU
            to ask it on.
        typed_half_layers: Layers with FP16 outputs in a strongly typed network, whose types
            TensorRT is bound to; 0 for a weakly typed one, whose FP16 it may ignore.

    Returns:
        The evidence: ``method``, what decided (``"weights"``, ``"inspector"`` or ``"typing"``), and
        what was found by each method.

    Raises:
        EngineError: The engine is FP32 in the main, or nothing shows that it is FP16.
    """
    weights, inspected = weight_evidence(plan, graph, full_graph), layer_evidence(layers)
    found: dict[str, Any] = {"weights": weights, "typed_half_layers": typed_half_layers}
    if inspected is not None:
        found["inspector"] = inspected
    if weights["float32_share"] > _TOO_MUCH_FULL:
        share = f"{weights['float32_share']:.0%}"
        raise EngineError(f"{name}: the engine is not FP16: {share} of its weights are FP32")
    if inspected is not None and inspected["half_layers"] <= inspected["float32_layers"]:
        raise EngineError(
            f"{name}: the engine is not FP16: {inspected['float32_layers']} of its layers with "
            f"weights are FP32, {inspected['half_layers']} FP16"
        )
    if weights["half_share"] >= _SHOWN_HALF:
        return {"method": "weights", **found}
    if inspected is not None:
        return {"method": "inspector", **found}
    if typed_half_layers:
        return {"method": "typing", **found}
    raise EngineError(f"{name}: nothing in the engine shows that it is FP16; build it again")


def weight_evidence(plan: bytes, graph: bytes, full_graph: bytes | None = None) -> dict[str, float]:
    """Which share of an FP16 graph's weights lies in a plan, byte for byte, as FP16 and as FP32.

    Returns:
        ``values``, how many weights were looked for, ``half_share`` and ``float32_share``.
    """
    exact = _weights(full_graph, TensorProto.FLOAT) if full_graph else {}
    total = half = full = 0
    for name, weight in _weights(graph, TensorProto.FLOAT16).items():
        total += weight.size
        wide = [weight.astype(np.float32)]
        wide += [exact[key] for key in (name, name.removesuffix(HALF_SUFFIX)) if key in exact]
        half += weight.size * any(form in plan for form in _forms([weight]))
        full += weight.size * any(form in plan for form in _forms(wide))
    return {
        "values": total,
        "half_share": round(half / total, 4) if total else 0.0,
        "float32_share": round(full / total, 4) if total else 0.0,
    }


def layer_evidence(layers: str | None) -> dict[str, int] | None:
    """How many layers with weights are FP16 and FP32, by the engine inspector's JSON.

    Returns:
        ``half_layers`` and ``float32_layers``; None where the JSON does not tell.
    """
    try:
        listed = list(json.loads(layers or "")["Layers"])
    except (ValueError, KeyError, TypeError):
        return None
    types = [_layer_type(layer) for layer in listed if isinstance(layer, dict)]
    counts = {"half_layers": types.count("half"), "float32_layers": types.count("float32")}
    return counts if any(counts.values()) else None


def _weights(graph: bytes, dtype: int) -> dict[str, NDArray[Any]]:
    """Weights of a type by name, those that cannot lie in a plan by chance."""
    model = onnx.load_from_string(graph)
    names, found = weight_names(model), {}
    for tensor in model.graph.initializer:
        if tensor.name in names and tensor.data_type == dtype:
            value = np.asarray(numpy_helper.to_array(tensor))
            if value.size >= _LEAST_VALUES and np.unique(value).size >= _LEAST_DISTINCT:
                found[tensor.name] = value
    return found


def _forms(weights: list[NDArray[Any]]) -> set[bytes]:
    """The bytes of weights as they are, with filters last, and with channels last."""
    found = set()
    for weight in weights:
        inner = tuple(range(2, weight.ndim))
        for order in ((0, 1, *inner), (*inner, 1, 0), (0, *inner, 1)):
            found.add(weight.transpose(order).tobytes())
    return found


def _layer_type(layer: dict[str, Any]) -> str | None:
    """``"half"`` or ``"float32"`` of a layer with weights; None of others and where it is open."""
    weights = layer.get("Weights")
    if isinstance(weights, dict) and weights.get("Count"):
        return _type_of(str(weights.get("Type")))
    kind = str(layer.get("LayerType")).lower()
    if not any(word in kind for word in _WEIGHTED_LAYERS):
        return None
    tensors = [t for t in layer.get("Inputs", ()) if isinstance(t, dict)]
    types = {_type_of(str(tensor.get("Format/Datatype"))) for tensor in tensors}
    return "half" if "half" in types else "float32" if "float32" in types else None


def _type_of(text: str) -> str | None:
    words = text.lower()
    if any(word in words for word in _HALF_WORDS):
        return "half"
    return "float32" if any(word in words for word in _FULL_WORDS) else None
