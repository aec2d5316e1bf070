"""A small writer of ONNX graphs whose bytes are the same wherever they are written.

The protobuf messages are written here, field by field, and names are numbered in the order of
writing. So one converter gives one SHA-256 on every machine, and needs no package but numpy. Field
numbers: ``onnx.proto`` of the ONNX standard, IR version 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steadypose.engines.wire import field

Array = NDArray[Any]
Attribute = float | int | str | Sequence[int]

OPSET = 17
IR_VERSION = 8
PRODUCER = "steadypose"
FLOAT = 1
"""What ``Cast`` takes as ``to``."""

_ELEMENT_TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.uint8): 2, np.dtype(np.int64): 7}


class GraphBuilder:
    """Collects inputs, constants, nodes and outputs, then writes the model.

    Tensors are handed around by name; a node's name is its scope and its first output.

    Attributes:
        scope: Put before the names of the nodes written from now on.
    """

    def __init__(self, name: str) -> None:
        self.scope = ""
        self._name = name
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._known = {""}  # names of tensors; the empty one is "not given"
        self._count = 0

    def input(self, name: str, dtype: type[np.generic], shape: Sequence[int | str]) -> str:
        """Declare a graph input; a string in ``shape`` is the name of a free dimension."""
        self._inputs.append(_value_info(name, dtype, shape))
        self._known.add(name)
        return name

    def output(self, name: str, dtype: type[np.generic], shape: Sequence[int | str]) -> None:
        """Declare the tensor ``name`` as a graph output; ValueError where nothing made it."""
        self._must_be_known([name])
        self._outputs.append(_value_info(name, dtype, shape))

    def constant(self, value: ArrayLike, name: str | None = None) -> str:
        """Name of an initializer holding ``value``; equal constants are stored once.

        Integers become int64, everything else float32.
        """
        array = np.asarray(value)
        array = array.astype("<i8" if array.dtype.kind in "iu" else "<f4")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = name or self._new_name("const")
            self._known.add(self._constants[key])
            self._tensors.append(_tensor(self._constants[key], array, key[2]))
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
        """Append a node that makes the tensors ``names``; an empty input name is "not given".

        Raises:
            ValueError: An input was made by nothing before.
        """
        self._must_be_known(inputs)
        self._known.update(names)
        parts = [field(1, name) for name in inputs]
        parts += [field(2, name) for name in names]
        parts += [field(3, self.scope + names[0]), field(4, op)]
        parts += [field(5, _attribute(key, attributes[key])) for key in sorted(attributes)]
        self._nodes.append(b"".join(parts))
        return list(names)

    def to_bytes(self) -> bytes:
        """The serialised model; its bytes depend on nothing but what was added, in its order."""
        graph = [field(1, node) for node in self._nodes]
        graph.append(field(2, self._name))
        graph += [field(5, tensor) for tensor in self._tensors]
        graph += [field(11, info) for info in self._inputs]
        graph += [field(12, info) for info in self._outputs]
        opset = field(1, "") + field(2, OPSET)
        model = (field(1, IR_VERSION), field(2, PRODUCER), field(7, b"".join(graph)))
        return b"".join(model) + field(8, opset)

    def _must_be_known(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._known:
                raise ValueError(f"no tensor '{name}' so far")

    def _new_name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"


def _tensor(name: str, array: Array, data: bytes) -> bytes:
    sizes = b"".join(field(1, size) for size in array.shape)
    return sizes + field(2, _ELEMENT_TYPES[array.dtype]) + field(8, name) + field(9, data)


def _value_info(name: str, dtype: type[np.generic], shape: Sequence[int | str]) -> bytes:
    sizes = (field(2 if isinstance(size, str) else 1, size) for size in shape)
    dimensions = b"".join(field(1, size) for size in sizes)  # a scalar has an empty shape
    tensor = field(1, _ELEMENT_TYPES[np.dtype(dtype)]) + field(2, dimensions)
    return field(1, name) + field(2, field(1, tensor))


def _attribute(name: str, value: Attribute) -> bytes:
    """Name, value and kind: 1 float, 2 int, 3 string, 7 ints."""
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, int(item)) for item in value) + field(20, 7)
