"""What a container promises to hold, against what came out of it.

A file that was cut off must be told from a healthy one whose header is merely wrong. So what the
file's own structure says (a box, segment or chunk that reaches past the end of the file) counts
before arithmetic with durations and frame counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

_MAX_BOXES = 100_000
# Boxes that stand at the top of MP4 and MOV files; what else follows is taken for padding.
_MP4_BOXES = frozenset(
    (
        *(b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"sidx", b"ssix", b"mfra", b"wide"),
        *(b"free", b"skip", b"uuid", b"udta", b"meta", b"pnot", b"pdin", b"emsg"),
    )
)
# Formats whose header gives a duration but no size to hold the file to.
_DURATION_ONLY = ("flv", "asf")


class Ending(Enum):
    """How a file ended."""

    WHOLE = "whole"
    SHORTENED = "shortened"  # cut off, but behind the last picture
    TRUNCATED = "truncated"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What the container says.

    Attributes:
        format: FFmpeg's name of the container format.
        file_bytes: Size of the file.
        declared_bytes: Size that the file's structure gives, or None.
        frames: Number of frames, or None.
        end_s: When the last frame ends, for the video itself, in seconds; or None.
        container_end_s: The same for everything in the file, sound included.
        step_s: Duration of a nominal frame in seconds.
    """

    format: str
    file_bytes: int
    declared_bytes: int | None = None
    frames: int | None = None
    end_s: float | None = None
    container_end_s: float | None = None
    step_s: float = 0.04

    @property
    def short(self) -> bool:
        """True when the file ends before its own structure does."""
        return self.declared_bytes is not None and self.file_bytes < self.declared_bytes

    def ending(self, *, cut: bool, damaged: bool, packets: int, end_s: float) -> Ending:
        """Judge the end of a run.

        Args:
            cut: The demuxer failed, or gave a last packet that was not complete.
            damaged: Some packets or pictures were damaged.
            packets: Number of packets of video that were read.
            end_s: When the last frame that was decoded ends, in seconds.
        """
        if cut:
            return Ending.TRUNCATED
        if self.short:
            lost = self._lost(packets, end_s)
            return Ending.TRUNCATED if lost else Ending.SHORTENED
        if self.end_s is not None and (damaged or self.format in _DURATION_ONLY):
            tolerance = max(1.0, 5 * self.step_s, 0.02 * self.end_s)
            if self.end_s - end_s > tolerance:
                return Ending.TRUNCATED
        return Ending.WHOLE

    def _lost(self, packets: int, end_s: float) -> bool:
        # AVI's demuxer shortens the duration of a cut file; its count of frames stays.
        if self.format == "avi" and self.frames:
            return packets < self.frames
        promised = self.end_s if self.end_s is not None else self.container_end_s
        return promised is None or promised - end_s > 1.5 * self.step_s


def declared_bytes(path: Path) -> int | None:
    """Size in bytes that an MP4/MOV, Matroska/WebM or AVI file gives itself; None if unknown."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in _MP4_BOXES:
            return _walk(file, _mp4_box)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _matroska_bytes(file)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _walk(file, _riff_chunk)
    return None


def _walk(file: BinaryIO, size_at: Callable[[bytes], int | None]) -> int | None:
    """End of the last of the blocks that follow one another from the start of the file."""
    end = file.seek(0, 2)
    position = 0
    for _ in range(_MAX_BOXES):
        file.seek(position)
        size = size_at(file.read(16))
        if size is None:
            return None
        position += size
        if position >= end:
            return position
    return None


def _mp4_box(head: bytes) -> int | None:
    """Size of a box (ISO/IEC 14496-12, 4.2); None where it reaches to the end or is no box."""
    if head[4:8] not in _MP4_BOXES:
        return None
    size = int.from_bytes(head[:4], "big")
    if size == 1:
        size = int.from_bytes(head[8:16], "big")
    return size if size >= 8 else None


def _riff_chunk(head: bytes) -> int | None:
    size = int.from_bytes(head[4:8], "little")
    # Recorders that were killed, or that wrote to a pipe, leave these in the header.
    if head[:4] != b"RIFF" or size == 0 or size >= 0xFFFFFFF0:
        return None
    return 8 + size


def _matroska_bytes(file: BinaryIO) -> int | None:
    """End of the segment (RFC 8794, 9559); None where its size was left open."""
    file.seek(4)
    header = _ebml_size(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != b"\x18\x53\x80\x67":
        return None
    size = _ebml_size(file)
    return None if size is None else file.tell() + size


def _ebml_size(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0xFF >> length)]) + file.read(length - 1), "big")
    unknown = (1 << (7 * length)) - 1
    return None if value == unknown else value


def seconds_of(tag: str | None) -> float | None:
    """Seconds of a Matroska ``DURATION`` tag, ``HH:MM:SS.fraction``; None if it is not one."""
    match = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)\s*", tag or "")
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
