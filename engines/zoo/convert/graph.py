"""A small writer of ONNX graphs whose bytes are the same wherever they are written.

``onnx.helper`` is not used for the parts that have changed between its versions: the protobuf
messages are filled directly, every field that is written is set here, and names are numbered in
the order of writing. So one converter gives one SHA-256 on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Attribute = float | int | str | Sequence[int]

OPSET = 17
IR_VERSION = 8
PRODUCER = "steadypose"
FLOAT = int(onnx.TensorProto.FLOAT)
"""What ``Cast`` takes as ``to``."""

_ELEMENT_TYPES = {
    np.dtype(np.float32): onnx.TensorProto.FLOAT,
    np.dtype(np.uint8): onnx.TensorProto.UINT8,
    np.dtype(np.int64): onnx.TensorProto.INT64,
}


class GraphBuilder:
    """Collects inputs, constants, nodes and outputs, then writes the model.

    Tensors are handed around by name; a node's name is its scope and its first output.

    Attributes:
        scope: Put before the names of the nodes written from now on.
    """

    def __init__(self, name: str) -> None:
        self.scope = ""
        self._graph = onnx.GraphProto(name=name)
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = 0

    def input(self, name: str, dtype: type[np.generic], shape: Sequence[int | str]) -> str:
        """Declare a graph input; a string in ``shape`` is the name of a free dimension."""
        self._graph.input.append(_value_info(name, dtype, shape))
        return name

    def output(self, name: str, dtype: type[np.generic], shape: Sequence[int | str]) -> None:
        """Declare the tensor ``name``, which some node must make, as a graph output."""
        self._graph.output.append(_value_info(name, dtype, shape))

    def constant(self, value: ArrayLike, name: str | None = None) -> str:
        """Name of an initializer holding ``value``; equal constants are stored once.

        Integers become int64, everything else float32.
        """
        array = np.asarray(value)
        array = array.astype("<i8" if array.dtype.kind in "iu" else "<f4")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = name or self._new_name("const")
            tensor = self._graph.initializer.add(name=self._constants[key])
            tensor.dims.extend(array.shape)
            tensor.data_type = _ELEMENT_TYPES[array.dtype]
            tensor.raw_data = key[2]
        return self._constants[key]

    def node(self, op: str, *inputs: str, name: str | None = None, **attributes: Attribute) -> str:
        """Append a node with one output and return the name of that output."""
        return self.nodes(op, *inputs, names=[name or self._new_name(op)], **attributes)[0]

    def split(self, tensor: str, sizes: Sequence[int], axis: int) -> list[str]:
        """Cut ``tensor`` along ``axis`` into parts of the given sizes."""
        names = [self._new_name("Split") for _ in sizes]
        return self.nodes("Split", tensor, self.constant(list(sizes)), names=names, axis=axis)

    def nodes(
        self, op: str, *inputs: str, names: Sequence[str], **attributes: Attribute
    ) -> list[str]:
        """Append a node that makes the tensors ``names``; an empty input name is "not given"."""
        node = self._graph.node.add(op_type=op, name=self.scope + names[0])
        node.input.extend(inputs)
        node.output.extend(names)
        node.attribute.extend(_attribute(key, attributes[key]) for key in sorted(attributes))
        return list(names)

    def to_bytes(self) -> bytes:
        """The serialised model; its bytes depend on nothing but what was added, in its order."""
        model = onnx.ModelProto(ir_version=IR_VERSION, producer_name=PRODUCER, graph=self._graph)
        model.opset_import.add(domain="", version=OPSET)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _new_name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"


def _value_info(
    name: str, dtype: type[np.generic], shape: Sequence[int | str]
) -> onnx.ValueInfoProto:
    info = onnx.ValueInfoProto(name=name)
    tensor = info.type.tensor_type
    tensor.elem_type = _ELEMENT_TYPES[np.dtype(dtype)]
    tensor.shape.SetInParent()  # a scalar has a shape too
    for size in shape:
        if isinstance(size, str):
            tensor.shape.dim.add(dim_param=size)
        else:
            tensor.shape.dim.add(dim_value=size)
    return info


def _attribute(name: str, value: Attribute) -> onnx.AttributeProto:
    attribute = onnx.AttributeProto(name=name)
    if isinstance(value, str):
        attribute.type, attribute.s = onnx.AttributeProto.STRING, value.encode()
    elif isinstance(value, float):
        attribute.type, attribute.f = onnx.AttributeProto.FLOAT, value
    elif isinstance(value, int):
        attribute.type, attribute.i = onnx.AttributeProto.INT, value
    else:
        attribute.type = onnx.AttributeProto.INTS
        attribute.ints.extend(value)
    return attribute
