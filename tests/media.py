"""Real encoded clips and pictures for tests, made with PyAV and OpenCV, and ways to harm them.

Every picture carries its number as bars of black and white, so that a test can tell after any
codec which frame it holds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition

from steadypose.errors import SourceError
from steadypose.frame import Frame

BITS = 8
SIZE = (128, 96)


def picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A BGR picture ``(H, W, 3)`` of ``size`` (width, height) that shows ``number`` (0..255)."""
    width, height = size
    noise = np.random.default_rng(number).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    image = cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR)
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        image[: height // 2, left:right] = 235 if number >> bit & 1 else 20
    return image


def number_of(image: np.ndarray) -> int:
    """The number that ``picture`` drew."""
    height, width = image.shape[:2]
    row = image[height // 8 : height * 3 // 8].mean((0, 2))
    bits = [row[(2 * bit + 1) * width // (2 * BITS)] > 127 for bit in range(BITS)]
    return sum(1 << bit for bit, on in enumerate(bits) if on)


def numbers(frames: Iterable[Frame]) -> list[int]:
    """The numbers that the frames' pictures carry."""
    return [number_of(frame.image) for frame in frames]


def until_failure(source: Iterable[Frame]) -> tuple[list[Frame], str]:
    """The frames that a source gives before it fails, and what its error says."""
    frames: list[Frame] = []
    with pytest.raises(SourceError) as failure:
        frames.extend(source)
    return frames, str(failure.value)


def write_clip(
    path: Path,
    *,
    frames: int = 12,
    size: tuple[int, int] = SIZE,
    fps: int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
    audio_s: float = 0.0,
    first: int = 0,
) -> Path:
    """Encode pictures number ``first`` and on; ``pts`` in units of ``time_base`` set the times."""
    unit = time_base or Fraction(1, fps)
    stamps = range(frames) if pts is None else pts
    with av.open(str(path), "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = stream.time_base = unit
        voice = container.add_stream("aac", rate=8000, layout="mono") if audio_s else None
        for n, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(picture(first + n, size), format="bgr24")
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = stamp, unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice is not None:
            _write_silence(container, voice, audio_s)
    return path


def write_sound(path: Path, *, cover: bool = False) -> Path:
    """A file with sound only, or with cover art as music files have."""
    with av.open(str(path), "w") as container:
        voice = container.add_stream("aac", rate=8000, layout="mono")
        art = container.add_stream("mjpeg", rate=1) if cover else None
        if art is not None:
            art.width, art.height, art.pix_fmt = 64, 64, "yuvj420p"
            art.disposition = Disposition.attached_pic.value
            frame = av.VideoFrame.from_ndarray(picture(1, (64, 64)), format="bgr24")
            frame = frame.reformat(format="yuvj420p")
            frame.pts = 0
            container.mux(art.encode(frame))
            container.mux(art.encode(None))
        _write_silence(container, voice, 1.0)
    return path


def _write_silence(container: Any, voice: Any, seconds: float) -> None:
    for n in range(int(seconds * 8000 / 1024)):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 8000, n * 1024, Fraction(1, 8000)
        container.mux(voice.encode(frame))
    container.mux(voice.encode(None))


def set_display_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write ``a, b, c, d`` (each -1, 0 or 1) into the track header of an MP4 file."""
    data = bytearray(path.read_bytes())
    # Track header, version 0 (ISO/IEC 14496-12, 8.3.2): the matrix is 44 bytes after the type.
    start = data.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def cut(path: Path, share: float) -> Path:
    """Keep only the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def packet_places(path: Path) -> list[tuple[int, int]]:
    """Position and size in bytes of every video packet of a file."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        return [(p.pos, p.size) for p in packets if p.size and p.pos is not None]


def spoil(path: Path, start: int, length: int) -> Path:
    """Overwrite bytes with noise."""
    data = bytearray(path.read_bytes())
    data[start : start + length] = np.random.default_rng(0).bytes(length)
    path.write_bytes(data)
    return path


def write_pictures(
    folder: Path, count: int, suffix: str = ".png", size: tuple[int, int] = SIZE
) -> Path:
    """``count`` numbered pictures, ``frame1`` and on, without leading zeros."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        cv2.imwrite(str(folder / f"frame{n + 1}{suffix}"), picture(n, size))
    return folder
