"""A number and a time drawn into a picture, to be read again after any codec.

Four rows of black and white blocks in the upper left corner: the frame number (32 bits), the time
of sending (64 bits, nanoseconds of ``time.monotonic``, which all processes of a machine share) and
a CRC-32 of both, so that a picture that was damaged on its way is known as such.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_PX = 8
_COLUMNS = 32
_ROWS = 4
_BYTES = _COLUMNS * _ROWS // 8
WIDTH_PX, HEIGHT_PX = _COLUMNS * BLOCK_PX, _ROWS * BLOCK_PX
_BLACK, _WHITE = 16, 235


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a picture carries.

    Attributes:
        number: The frame's number, 0 to 2^32 - 1.
        sent_s: ``time.monotonic()`` when it was sent, in seconds.
    """

    number: int
    sent_s: float


def draw(image: NDArray[np.uint8], number: int, sent_s: float) -> None:
    """Draw a stamp into ``image`` ``(H, W, 3)``, at least 256 x 32 pixels large."""
    body = number.to_bytes(4, "big") + round(sent_s * 1e9).to_bytes(8, "big")
    code = body + zlib.crc32(body).to_bytes(4, "big")
    bits = np.unpackbits(np.frombuffer(code, np.uint8)).reshape(_ROWS, _COLUMNS)
    shades = np.where(bits, _WHITE, _BLACK).astype(np.uint8)
    blocks = shades.repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)
    image[:HEIGHT_PX, :WIDTH_PX] = blocks[..., None]


def read(image: NDArray[np.uint8]) -> Stamp | None:
    """The stamp of a picture ``(H, W, 3)`` in its original size; None where it is not readable."""
    if image.shape[0] < HEIGHT_PX or image.shape[1] < WIDTH_PX:
        return None
    corner = image[:HEIGHT_PX, :WIDTH_PX].mean(2)
    blocks = corner.reshape(_ROWS, BLOCK_PX, _COLUMNS, BLOCK_PX)[:, 2:-2, :, 2:-2].mean((1, 3))
    code = np.packbits(blocks.ravel() > (_BLACK + _WHITE) / 2).tobytes()
    body, crc = code[: _BYTES - 4], code[_BYTES - 4 :]
    if zlib.crc32(body).to_bytes(4, "big") != crc:
        return None
    number, sent = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:], "big")
    return Stamp(number=number, sent_s=sent / 1e9)
