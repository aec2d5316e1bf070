"""Opening a container with FFmpeg, through PyAV, and reading its packets past damage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.codec.context import Flags
from av.stream import Disposition

from steadypose.errors import InputError
from steadypose.stream.sources.promise import Promise, declared_bytes, seconds_of

if TYPE_CHECKING:
    from av.container.input import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

_MAX_FILE_THREADS = 4
_MAX_DEMUX_ERRORS = 16
# Text that FFmpeg would draw as characters on a screen.
_TEXT_CODECS = frozenset({"ansi", "bintext", "idf", "xbin"})
# PyAV 17 brought the argument; before it, conversion ran in the calling thread anyway.
_ONE_THREAD = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}


@dataclass(frozen=True, kw_only=True)
class DecoderOptions:
    """How FFmpeg spreads decoding over threads.

    Attributes:
        thread_type: ``"SLICE"``: within a picture; ``"AUTO"``: over several pictures as well.
        thread_count: Number of threads; 0 lets FFmpeg decide.
        low_delay: Give every picture out as soon as it is decoded.
    """

    thread_type: str
    thread_count: int
    low_delay: bool


def decoder_options(live: bool, threads: int | None = None) -> DecoderOptions:
    """The options for a live source or a file.

    Decoding pictures side by side (frame threading) is the faster way, but N threads give the
    first picture out only after N packets: half a second behind with 16 threads at 30 frames/s.
    That costs a file nothing and a live source its point. A file takes half of the cores by
    default, and four at most: the networks need the rest.

    Args:
        live: True where the age of a picture counts.
        threads: Number of threads; None for the default.
    """
    if live:
        return DecoderOptions(thread_type="SLICE", thread_count=threads or 0, low_delay=True)
    count = threads or max(1, min(_MAX_FILE_THREADS, _cores() // 2))
    return DecoderOptions(thread_type="AUTO", thread_count=count, low_delay=False)


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def apply_options(stream: VideoStream, options: DecoderOptions) -> None:
    """Set the options of a stream that has not been decoded from yet."""
    context = stream.codec_context
    context.thread_type = options.thread_type
    context.thread_count = options.thread_count
    if options.low_delay:
        context.flags |= Flags.low_delay


def open_container(path: Path) -> InputContainer:
    """Open a file.

    Raises:
        InputError: It is missing, empty, unreadable, or not a container FFmpeg knows.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.is_file():
        raise InputError(f"{path}: not a regular file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        # An absolute path: FFmpeg takes "12:30.mp4" for an address of protocol "12". No timeout:
        # a disk that has to wake up is slow, not dead. Anything but a file must have one.
        return av.open(str(path.resolve()), "r", metadata_errors="replace")
    except av.FFmpegError as error:
        raise InputError(f"{path}: {_reason(error)}") from error


def _reason(error: av.FFmpegError) -> str:
    if isinstance(error, OSError) and not isinstance(error, EOFError):
        return f"cannot be read: {error.strerror}"
    return "not a video file, or damaged beyond reading (its index may be cut off)"


def video_stream(container: InputContainer, path: Path | str) -> VideoStream:
    """The stream to decode: of several, the one with the largest picture.

    Raises:
        InputError: There is none (cover art does not count), or no decoder for it.
    """
    candidates = [
        s for s in container.streams.video if not s.disposition & Disposition.attached_pic
    ]
    if not candidates:
        raise InputError(f"{path}: holds no video, only {_kinds(container)}")
    # PyAV's types leave out that a stream without a decoder has None here.
    usable = [s for s in candidates if getattr(s, "codec_context", None) is not None]
    if not usable:
        raise InputError(f"{path}: this build of FFmpeg has no decoder for its video")
    stream = max(usable, key=lambda s: s.codec_context.width * s.codec_context.height)
    if stream.codec_context.name in _TEXT_CODECS:
        raise InputError(f"{path}: a text file, not a video")
    return stream


def _kinds(container: InputContainer) -> str:
    kinds = ("cover art" if s.type == "video" else str(s.type) for s in container.streams)
    return " and ".join(dict.fromkeys(kinds)) or "nothing that can be read"


def frame_rate(stream: VideoStream) -> float | None:
    """Average frame rate in frames per second; None where the container gives none."""
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else None


def promise_of(container: InputContainer, stream: VideoStream, path: Path) -> Promise:
    """What the container promises of ``stream``."""
    fps = frame_rate(stream)
    whole = container.duration / av.time_base if container.duration else None
    end = seconds_of(stream.metadata.get("DURATION"))
    if end is None and stream.duration and stream.time_base:
        end = float((stream.duration + (stream.start_time or 0)) * stream.time_base)
    elif end is None and len(container.streams) == 1:
        end = whole
    return Promise(
        format=container.format.name,
        file_bytes=path.stat().st_size,
        declared_bytes=declared_bytes(path),
        frames=stream.frames or (round(end * fps) if end and fps else None),
        end_s=end,
        container_end_s=whole,
        step_s=1 / fps if fps else 0.04,
    )


class PacketReader:
    """The packets of a stream that hold data.

    Goes on after errors of the demuxer as long as more packets come. A last packet that is not
    complete is held back: it decodes to nothing or to half a picture, and with frame threading
    its failure would take the pictures before it along.

    Attributes:
        packets: Number of packets that had data.
        first_dts: Decoding time stamp of the first of them, in units of the time base.
        errors: Number of times the demuxer failed and then went on.
        cut: True when the data ended in an error or in an incomplete packet.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self.packets = 0
        self.first_dts = 0
        self.errors = 0
        self.cut = False

    def __iter__(self) -> Iterator[Packet[VideoStream]]:
        held: Packet[VideoStream] | None = None
        for packet in self._demux():
            if held is not None:
                yield held
            elif packet.dts is not None:
                self.first_dts = packet.dts
            held = packet
            self.packets += 1
        if held is not None and held.is_corrupt:
            self.cut = True
        elif held is not None:
            yield held

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        failures = 0
        while failures < _MAX_DEMUX_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size:
                        self.errors, failures = self.errors + failures, 0
                        yield packet
            except av.FFmpegError:
                failures += 1
            else:
                break
        self.cut = failures > 0


def to_bgr(reformatter: VideoReformatter, frame: VideoFrame) -> VideoFrame:
    """The frame as packed 8-bit BGR, converted in the calling thread."""
    return reformatter.reformat(frame, format="bgr24", **_ONE_THREAD)
