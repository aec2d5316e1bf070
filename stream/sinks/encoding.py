"""Encoding pictures to an MP4 file with their own time stamps."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MARK = "Made by Steadypose"
"""The comment in every video we write, by which it is known as ours."""

# H.264 as good as every player reads it; MPEG-4 where FFmpeg was built without an encoder for it.
_ENCODERS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "superfast", "crf": "23"},
    "libopenh264": {"b": "4M"},
    "mpeg4": {"q": "4", "flags": "+qscale", "global_quality": "472"},
}
# MP4 holds the time from one frame to the next in 32 bits: at this unit, up to 429 s.
_FINEST = Fraction(1, 10_000_000)
_BT709 = 1
_MPEG_RANGE = 1
_KEYFRAME_S = 2
# A fragment begins with each key frame.
_FRAGMENTS = "+frag_keyframe+empty_moov+default_base_moof"
# PyAV 17 brought the argument; before it, conversion ran in the calling thread anyway.
_ONE_THREAD = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}


class Mp4Encoder:
    """Writes BGR pictures as H.264 into an MP4 file that plays from its beginning at once.

    All pictures are brought to the size of the first one, which is made even by a row or a
    column of repeated pixels: H.264 in its usual form has even sizes only.

    Time stamps are kept, but for a clip that starts before 0: it is moved to start there.

    Args:
        path: The file.
        size: Width and height of the first picture.
        time_base: Unit of the time stamps in seconds; nothing finer than 0.1 microseconds is kept.
        fps: Nominal frame rate in frames per second.
        fragment_s: Write the file in fragments of so many seconds, each complete in itself: it
            plays up to the last of them, whatever befalls the process. Else the file has one index
            at its beginning, and is of use once it is closed.

    Raises:
        av.FFmpegError, OSError: The file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        time_base: Fraction,
        fps: float | None,
        *,
        fragment_s: float | None = None,
    ) -> None:
        self._size = size
        self._given = time_base
        self._time_base = max(time_base, _FINEST)
        self._fragment_s = fragment_s
        flags = "+faststart" if fragment_s is None else _FRAGMENTS
        options = {"movflags": flags, "movie_timescale": str(_scale(self._time_base))}
        if fragment_s is not None:
            options["flush_packets"] = "1"
        self._container = av.open(str(path.resolve()), "w", format="mp4", options=options)
        try:
            self._container.metadata["comment"] = MARK
            self._stream = self._add_stream(fps or 25.0)
        except BaseException:
            self._container.close()
            raise
        self._reformatter = VideoReformatter()
        self._step = max(1, round(1 / (Fraction(fps or 25) * self._time_base)))
        self._last: int | None = None
        self._key: int | None = None
        self._shift = 0

    def write(self, image: NDArray[np.uint8], pts: int) -> None:
        """Encode a picture ``(H, W, 3)`` shown at ``pts`` times the time base.

        Raises:
            av.FFmpegError, OSError: It cannot be encoded or written.
        """
        packed = av.VideoFrame.from_ndarray(self._fit(image), format="bgr24")
        frame = self._reformatter.reformat(
            packed,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            **_ONE_THREAD,
        )
        frame.pts = self._stamp(pts)
        frame.time_base = self._time_base
        if self._is_fragment_over(frame.pts):
            frame.pict_type = PictureType.I
        self._mux(frame)

    def close(self) -> None:
        """Write what the encoder still holds and the file's index.

        Raises:
            av.FFmpegError, OSError: It cannot be written.
        """
        try:
            self._mux(None)
        finally:
            self._container.close()

    def abandon(self) -> None:
        """Let go of the file, which is of no more use."""
        try:
            self._container.close()
        except (av.FFmpegError, OSError):
            logging.getLogger(__name__).debug("an abandoned video file could not be completed")

    def _add_stream(self, fps: float) -> VideoStream:
        name = next((name for name in _ENCODERS if name in av.codecs_available), "mpeg4")
        if name == "mpeg4":
            logging.getLogger(__name__).warning(
                "FFmpeg was built without an H.264 encoder; the video is written as MPEG-4"
            )
        rate = Fraction(fps).limit_denominator(1001)
        options = dict(_ENCODERS[name])
        if self._fragment_s is not None and name == "libx264":
            options["tune"] = "zerolatency"  # what the encoder holds back would be lost
        stream = cast("VideoStream", self._container.add_stream(name, rate=rate, options=options))
        context = stream.codec_context
        context.width, context.height = (side + side % 2 for side in self._size)
        context.pix_fmt = "yuv420p"
        context.time_base = stream.time_base = self._time_base
        context.gop_size = max(1, round(fps * _KEYFRAME_S))
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _MPEG_RANGE
        return stream

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            # Left open, the last frame would be shown twice as long.
            packet.duration = packet.duration or self._step
            self._container.mux(packet)

    def _is_fragment_over(self, pts: int) -> bool:
        """Whether a new fragment is to begin: by time, as a camera's frame rate is not known."""
        if self._fragment_s is None:
            return False
        if self._key is not None and (pts - self._key) * self._time_base < self._fragment_s:
            return False
        self._key = pts
        return True

    def _fit(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture in the size of the video: scaled into it, then filled up to even sides."""
        width, height = self._size
        if image.shape[:2] != (height, width):
            image = _letterbox(image, width, height)
        if width % 2 or height % 2:
            edges = (0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            image = np.asarray(cv2.copyMakeBorder(image, *edges), np.uint8)
        return image

    def _stamp(self, pts: int) -> int:
        """``pts`` in the unit of the file, and later than the one before."""
        if self._time_base != self._given:
            pts = round(pts * self._given / self._time_base)
        if self._last is None:
            self._shift = max(0, -pts)  # players leave out what is before 0
        else:
            pts = max(pts, self._last + 1 - self._shift)
        self._last = pts + self._shift
        return self._last


def _scale(time_base: Fraction) -> int:
    """Units a second of the file's own clock, in which it holds the time of its first frame."""
    return time_base.denominator * (1000 if time_base.denominator < 1000 else 1)


def _letterbox(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scale a picture into a black one of the given size, keeping its shape."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    inner = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = inner
    return canvas


def is_ours(path: Path) -> bool:
    """True for a video that carries our comment."""
    try:
        with av.open(str(path.resolve()), "r", metadata_errors="replace") as container:
            return container.metadata.get("comment") == MARK
    except (av.FFmpegError, OSError):
        return False
