"""Reader of the protobuf wire format, for messages whose schema is not at hand as code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from steadypose.errors import ModelError

Field: TypeAlias = tuple[int, int | bytes]

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[Field]:
    """Numbers and values of the message's fields, in order.

    A varint is given as a non-negative int, every other value as its bytes.

    Raises:
        ModelError: The bytes are not a protobuf message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _LENGTH:
            size, at = _varint(message, at)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            size = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ModelError(f"not a protobuf message: wire type {kind} at byte {at}")
        if at + size > len(message):
            raise ModelError(f"protobuf message cut short at byte {at}")
        yield number, message[at : at + size]
        at += size


def signed(value: int) -> int:
    """A varint read as int32 or int64: two's complement of 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


def integers(value: int | bytes) -> list[int]:
    """Values of one occurrence of a repeated int field, packed or not."""
    if isinstance(value, int):
        return [signed(value)]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(signed(number))
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ModelError(f"not a protobuf message: bad varint at byte {at}")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
