"""Reader of Paddle inference models (``.pdmodel`` program and ``.pdiparams`` weights).

The program is a protobuf ``ProgramDesc`` (Paddle's ``framework.proto``); the field numbers used
are named below. The weights are the persistable variables in order of name, each as a
``LoDTensor`` stream: version, level-of-detail table, version, ``TensorDesc``, raw data.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.zoo.convert.wire import fields, integers, signed
from steadypose.errors import ModelError

Array = NDArray[Any]

# ProgramDesc.blocks; BlockDesc.vars, .ops
_BLOCKS, _VARS, _OPS = 1, 3, 4
# VarDesc.name, .type, .persistable; VarType.type
_VAR_NAME, _VAR_TYPE, _VAR_PERSISTABLE, _VAR_TYPE_KIND = 1, 2, 3, 1
# Kinds of variable that never have weights: FEED_MINIBATCH, FETCH_LIST, RAW
_NO_WEIGHTS = (9, 10, 17)
# OpDesc.inputs, .outputs, .type, .attrs; OpDesc.Var.parameter, .arguments
_OP_INPUTS, _OP_OUTPUTS, _OP_TYPE, _OP_ATTRIBUTES, _PARAMETER, _ARGUMENTS = 1, 2, 3, 4, 1, 2
# OpDesc.Attr: name, i, f, s, ints, floats, strings, b, bools, l, longs
_ATTR_NAME, _I, _F, _S, _INTS, _FLOATS, _STRINGS = 1, 3, 4, 5, 6, 7, 8
_B, _BOOLS, _L, _LONGS = 10, 11, 13, 15
# VarType.TensorDesc.data_type, .dims; VarType.Type of the element types
_DATA_TYPE, _DIMS = 1, 2
_ELEMENTS = {0: "?", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8"}


@dataclass(frozen=True, kw_only=True)
class PaddleOp:
    """One operation: its type, and tensor names by parameter name.

    ``attributes`` holds the numeric and string attributes; others are left out.
    """

    type: str
    inputs: Mapping[str, list[str]]
    outputs: Mapping[str, list[str]]
    attributes: Mapping[str, Any]

    def input(self, parameter: str) -> str:
        """Name of the only tensor of an input parameter."""
        return self._only(self.inputs, parameter)

    def output(self, parameter: str) -> str:
        """Name of the only tensor of an output parameter."""
        return self._only(self.outputs, parameter)

    def _only(self, named: Mapping[str, list[str]], parameter: str) -> str:
        names = named.get(parameter, [])
        if len(names) != 1:
            raise ModelError(
                f"Paddle operation '{self.type}': expected one tensor as '{parameter}', "
                f"found {len(names)}"
            )
        return names[0]


@dataclass(frozen=True, kw_only=True)
class PaddleProgram:
    """The operations of the main block, in order, and the weights by name."""

    ops: list[PaddleOp]
    weights: Mapping[str, Array] = field(repr=False)


def read_paddle(program: bytes, weights: bytes) -> PaddleProgram:
    """Read a program and its weights from the two files' contents.

    Raises:
        ModelError: The bytes are not such files, or do not belong to each other.
    """
    blocks = [value for number, value in fields(program) if number == _BLOCKS]
    if not blocks:
        raise ModelError("not a Paddle program: it has no block; fetch the file again")
    persistable, ops = [], []
    for number, value in fields(_bytes(blocks[0])):
        if number == _VARS:
            persistable += _persistable_name(_bytes(value))
        elif number == _OPS:
            ops.append(_read_op(_bytes(value)))
    try:
        values = _read_weights(weights, sorted(persistable))
    except (struct.error, ValueError, KeyError) as error:
        raise ModelError(f"Paddle weights do not fit their program: {error}") from error
    return PaddleProgram(ops=ops, weights=values)


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ModelError("not a Paddle program: a number where a message should be")
    return value


def _text(value: int | bytes) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _persistable_name(message: bytes) -> list[str]:
    """The variable's name if it has weights, as a list of one or none."""
    name, kind, persistable = "", None, False
    for number, value in fields(message):
        if number == _VAR_NAME:
            name = _text(value)
        elif number == _VAR_TYPE:
            kind = dict(fields(_bytes(value))).get(_VAR_TYPE_KIND)
        elif number == _VAR_PERSISTABLE:
            persistable = bool(value)
    return [name] if persistable and kind not in _NO_WEIGHTS else []


def _read_op(message: bytes) -> PaddleOp:
    kind = ""
    inputs: dict[str, list[str]] = {}
    outputs: dict[str, list[str]] = {}
    attributes: dict[str, Any] = {}
    for number, value in fields(message):
        if number == _OP_TYPE:
            kind = _text(value)
        elif number in (_OP_INPUTS, _OP_OUTPUTS):
            parameter, names = _read_arguments(_bytes(value))
            (inputs if number == _OP_INPUTS else outputs)[parameter] = names
        elif number == _OP_ATTRIBUTES:
            name, content = _read_attribute(_bytes(value))
            attributes[name] = content
    return PaddleOp(type=kind, inputs=inputs, outputs=outputs, attributes=attributes)


def _read_arguments(message: bytes) -> tuple[str, list[str]]:
    found = list(fields(message))
    parameter = next((_text(value) for number, value in found if number == _PARAMETER), "")
    return parameter, [_text(value) for number, value in found if number == _ARGUMENTS]


def _read_attribute(message: bytes) -> tuple[str, Any]:
    name = ""
    single: Any = None
    many: list[Any] = []
    for number, value in fields(message):
        if number == _ATTR_NAME:
            name = _text(value)
        elif number in (_I, _B, _L) and isinstance(value, int):
            single = signed(value)
        elif number == _F:
            single = struct.unpack("<f", _bytes(value))[0]
        elif number == _S:
            single = _text(value)
        elif number in (_INTS, _BOOLS, _LONGS):
            many += integers(value)
        elif number == _FLOATS:
            many += np.frombuffer(_bytes(value), "<f4").tolist()
        elif number == _STRINGS:
            many.append(_text(value))
    return name, many if single is None else single


def _read_weights(data: bytes, names: list[str]) -> dict[str, Array]:
    values: dict[str, Array] = {}
    at = 0
    for name in names:
        values[name], at = _read_tensor(data, at)
    if at != len(data):
        raise ModelError(f"Paddle weights: {len(data) - at} bytes left after '{names[-1]}'")
    return values


def _read_tensor(data: bytes, at: int) -> tuple[Array, int]:
    """The ``LoDTensor`` that begins at byte ``at``, and where the next one begins."""
    (levels,) = struct.unpack_from("<Q", data, at + 4)
    at += 12
    for _ in range(levels):
        (size,) = struct.unpack_from("<Q", data, at)
        at += 8 + size
    (size,) = struct.unpack_from("<i", data, at + 4)
    at += 8
    kind, shape = 5, list[int]()
    for number, value in fields(data[at : at + size]):
        if number == _DATA_TYPE:
            kind = int(value)
        elif number == _DIMS:
            shape += integers(value)
    at += size
    stored = np.dtype(_ELEMENTS[kind])
    count = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(data, stored, count, at).reshape(shape), at + count * stored.itemsize
