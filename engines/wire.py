"""The protobuf wire format, read and written, for messages whose schema is not at hand as code.

Source: the encoding that Protocol Buffers document for themselves.
"""

from __future__ import annotations

import struct
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
    return ((number, value) for number, value, _ in encoded_fields(message))


def encoded_fields(message: bytes) -> Iterator[tuple[int, int | bytes, bytes]]:
    """Like ``fields``, with each field's bytes as they stand, so that it can be written again."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value, message[start:at]
            continue
        if kind == _LENGTH:
            size, at = _varint(message, at)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            size = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ModelError(f"not a protobuf message: wire type {kind} at byte {at}")
        if at + size > len(message):
            raise ModelError(f"protobuf message cut short at byte {at}")
        value_at, at = at, at + size
        yield number, message[value_at:at], message[start:at]


def field(number: int, value: int | float | str | bytes) -> bytes:
    """One field's bytes: an int as varint, a float in four bytes, others with their length."""
    if isinstance(value, int):
        return _encoded(number << 3 | _VARINT) + _encoded(value)
    if isinstance(value, float):
        return _encoded(number << 3 | _FOUR_BYTES) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return _encoded(number << 3 | _LENGTH) + _encoded(len(data)) + data


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


def _encoded(value: int) -> bytes:
    """A varint; negative numbers as two's complement of 64 bits."""
    value &= (1 << 64) - 1
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
