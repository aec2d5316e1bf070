"""Reader of TensorFlow.js graph models (``model.json`` beside one binary file of weights).

Format: the ``graph-model`` form written by the TensorFlow.js converter. The JSON holds a
TensorFlow ``GraphDef`` as JSON and a manifest of the weights; the weights lie back to back in the
binary file, possibly quantised to float16 or to 8 or 16 bit integers with a scale and a minimum.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import ModelError

Array = NDArray[Any]

_STORED = {"float32": "<f4", "int32": "<i4", "bool": "?", "uint8": "u1"}
_QUANTISED = {"float16": "<f2", "uint8": "u1", "uint16": "<u2"}


@dataclass(frozen=True, kw_only=True)
class TfNode:
    """One operation of the graph.

    Attributes:
        name: Its name, unique in the graph.
        op: TensorFlow's name of the operation, without a leading underscore.
        inputs: Names of the nodes whose first output it takes.
        attributes: Decoded attributes: int, float, bool, str, or a list of int or str.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class TfGraph:
    """The nodes of a model by name, and the values of its ``Const`` nodes."""

    nodes: Mapping[str, TfNode]
    weights: Mapping[str, Array]


def read_tfjs(model_json: bytes, weights: bytes) -> TfGraph:
    """Read a graph model from the two files' contents.

    Raises:
        ModelError: The bytes are not a graph model of one weight file, or the file is too short.
    """
    try:
        model = json.loads(model_json)
        manifest = [entry for group in model["weightsManifest"] for entry in group["weights"]]
        nodes = [_read_node(node) for node in model["modelTopology"]["node"]]
        values = _read_weights(manifest, weights)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"not a TensorFlow.js graph model ({type(error).__name__}: {error}); "
            "fetch the file again"
        ) from error
    return TfGraph(nodes={node.name: node for node in nodes}, weights=values)


def _read_node(node: Mapping[str, Any]) -> TfNode:
    inputs = [name.removesuffix(":0") for name in node.get("input", ()) if name[:1] != "^"]
    attributes = {key: _read_attribute(value) for key, value in node.get("attr", {}).items()}
    op = node["op"].lstrip("_")
    return TfNode(name=node["name"], op=op, inputs=tuple(inputs), attributes=attributes)


def _read_attribute(value: Mapping[str, Any]) -> Any:
    """The value of an ``AttrValue``; kinds that no converter needs (shape, func) stay as read."""
    if "list" in value:
        items = value["list"]
        if "i" in items:
            return [int(item) for item in items["i"]]
        return [_read_string(item) for item in items.get("s", ())]
    if "s" in value:
        return _read_string(value["s"])
    if "i" in value:
        return int(value["i"])
    return next(iter(value.values()), None)


def _read_string(value: str | list[int]) -> str:
    """Strings come base64-coded or as a list of byte values, depending on the converter."""
    return (bytes(value) if isinstance(value, list) else base64.b64decode(value)).decode()


def _read_weights(manifest: list[Mapping[str, Any]], data: bytes) -> dict[str, Array]:
    values: dict[str, Array] = {}
    offset = 0
    for entry in manifest:
        quantisation = entry.get("quantization")
        stored = np.dtype(
            _QUANTISED[quantisation["dtype"]] if quantisation else _STORED[entry["dtype"]]
        )
        count = int(np.prod(entry["shape"], dtype=np.int64))
        array: Array = np.frombuffer(data, stored, count, offset)
        offset += count * stored.itemsize
        if quantisation:
            array = _dequantise(array, quantisation)
        values[entry["name"]] = array.astype(_STORED[entry["dtype"]]).reshape(entry["shape"])
    return values


def _dequantise(array: Array, quantisation: Mapping[str, Any]) -> Array:
    if quantisation["dtype"] == "float16":
        return array
    return array * np.float32(quantisation["scale"]) + np.float32(quantisation["min"])
