"""A video file as a source of frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from steadypose.errors import InputError, SourceError
from steadypose.frame import Frame
from steadypose.stream.records import SourceInfo
from steadypose.stream.sources.decoding import (
    PacketReader,
    apply_options,
    decoder_options,
    frame_rate,
    open_container,
    promise_of,
    to_bgr,
    video_stream,
)
from steadypose.stream.sources.orientation import OrientationReader
from steadypose.stream.sources.promise import Ending
from steadypose.stream.sources.span import Span
from steadypose.stream.sources.timestamps import Timestamps

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_MAX_PACKETS_WITHOUT_PICTURE = 1000


class VideoSource:
    """Every frame of a video file once, in presentation order, upright, as BGR.

    The first picture is decoded on opening, so that a file without any is refused there. Damage
    inside the file is survived and told in ``warnings``; a file that was cut off yields what is
    there and then raises ``SourceError``. Frames keep their own size where it changes.

    Args:
        path: The file.
        max_frames: Stop after so many frames.
        decoder_threads: Threads that decode; None for half of the cores, four at most.
        span: Give out only this part, under the indices that its frames have in the whole file.

    Raises:
        InputError: The file cannot be used; the message names it and says why.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_frames: int | None = None,
        decoder_threads: int | None = None,
        span: Span | None = None,
    ) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._max_frames = max_frames
        self._span = span
        self._container = open_container(path)
        try:
            self._stream = video_stream(self._container, path)
            apply_options(self._stream, decoder_options(live=False, threads=decoder_threads))
            self._promise = promise_of(self._container, self._stream, path)
            self._time_base = self._stream.time_base or Fraction(1, 90_000)
            self._clock = Timestamps(self._time_base, frame_rate(self._stream))
            self._reader = PacketReader(self._container, self._stream)
            self._reformatter = VideoReformatter()
            self._orientation = OrientationReader()
            self._lock = threading.Lock()
            self._stop = threading.Event()
            self._iterated = False
            self._count = 0 if span is None else span.index
            self._delay = 0
            self._damage = _Damage()
            if span is not None:
                self._container.seek(span.seek, stream=self._stream)
            self._pictures = self._decode()
            self._first = self._peek()
            self.info = self._describe(self._first)
        except BaseException:
            self._container.close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; none after ``close``.

        Raises:
            SourceError: The file was cut off; all that could be decoded has been yielded.
            InputError: The source was iterated before.
        """
        with self._lock:
            if self._stop.is_set():
                return
            if self._iterated:
                raise InputError(f"{self.path}: a source can be iterated only once; open it again")
            self._iterated = True
        try:
            yield from self._frames()
        finally:
            self._report()
            self._pictures.close()
            self._container.close()

    def close(self) -> None:
        """End the iteration at the next frame. May be called at any time from any thread."""
        # Closing a container under a decoder at work can crash FFmpeg: while frames are being
        # read, the thread that reads them does it.
        with self._lock:
            self._stop.set()
            if not self._iterated:
                self._iterated = True
                self._pictures.close()
                self._container.close()

    def _frames(self) -> Iterator[Frame]:
        picture: VideoFrame | None = self._first
        del self._first
        while picture is not None and not self._stop.is_set():
            yield self._frame(picture)
            if self._count == self._max_frames:
                break
            picture = next(self._pictures, None)
        if picture is None and not self._stop.is_set():
            self._judge()

    def _frame(self, picture: VideoFrame) -> Frame:
        if picture.is_corrupt:
            self._damage.note(self._count)
        pts = self._stamp(picture)
        frame = Frame(
            index=self._count,
            pts_s=float(pts * self._time_base),
            captured_s=time.monotonic(),
            image=self._image(picture),
            source=self.info.name,
            pts=pts,
        )
        self._end_s = frame.pts_s + self._promise.step_s
        self._count += 1
        return frame

    def _stamp(self, picture: VideoFrame) -> int:
        """Time stamp of a picture, in units of the time base."""
        if self._promise.format != "avi":
            return self._clock.stamp(picture.pts)
        # AVI stores the order of decoding only; FFmpeg's presentation stamps are a guess that
        # fails for B-frames. Decoding stamps are right but for the decoder's delay, and end
        # with the packets.
        if picture.dts is None:
            return self._clock.next()
        if not self._count:
            self._delay = picture.dts - self._reader.first_dts
        return self._clock.stamp(picture.dts - self._delay)

    def _image(self, picture: VideoFrame) -> NDArray[np.uint8]:
        try:
            image = np.asarray(to_bgr(self._reformatter, picture).to_ndarray(), np.uint8)
        except (av.FFmpegError, ValueError) as error:
            raise SourceError(
                f"{self.info.name}: frame {self._count} ({picture.format.name}) cannot be "
                f"converted to BGR: {error}"
            ) from error
        return np.ascontiguousarray(self._orientation.of(picture).apply(image))

    def _decode(self) -> Generator[VideoFrame, None, None]:
        """The pictures to give out."""
        for picture in self._every_picture():
            if self._span is None or self._span.holds(picture.pts):
                yield picture
            elif self._span.ends_before(picture.pts):
                return

    def _every_picture(self) -> Iterator[VideoFrame]:
        """All pictures from here on; what cannot be decoded is noted."""
        for packet in self._reader:
            if self._stop.is_set():
                return
            yield from self._pictures_of(packet)
            if not self._count and self._reader.packets > _MAX_PACKETS_WITHOUT_PICTURE:
                return
        yield from self._pictures_of(None)

    def _pictures_of(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._stream.codec_context.decode(packet)
        except EOFError:
            return []
        except MemoryError:
            raise  # not the file's fault
        except av.FFmpegError:
            self._damage.note(self._count)
            return []

    def _peek(self) -> VideoFrame:
        first = next(self._pictures, None)
        if first is None:
            raise InputError(f"{self.path}: no picture can be decoded (truncated or damaged)")
        return first

    def _describe(self, first: VideoFrame) -> SourceInfo:
        width, height = self._orientation.of(first).size(first.width, first.height)
        frames = self._promise.frames
        if frames is not None and self._max_frames is not None:
            frames = min(frames, self._max_frames)
        return SourceInfo(
            name=self.path.name,
            stem=self.path.stem,
            width=width,
            height=height,
            frames=frames,
            fps=frame_rate(self._stream),
            time_base=self._time_base,
            codec=self._stream.codec_context.name,
        )

    def _report(self) -> None:
        self.warnings += self._clock.lines(self.info.name)
        if self._damage.count:
            self.warnings.append(
                f"{self.info.name}: {self._damage.count} damaged packet(s) or picture(s), the "
                f"first near frame {self._damage.first}"
            )
        if self._reader.errors:
            self.warnings.append(
                f"{self.info.name}: the container is damaged at {self._reader.errors} place(s)"
            )

    def _judge(self) -> None:
        if self._span is not None and self._span.stop is not None:
            return
        ending = self._promise.ending(
            cut=self._reader.cut,
            damaged=self._damage.count > 0,
            packets=self._reader.packets,
            end_s=self._end_s,
        )
        name = self.info.name
        if ending is Ending.SHORTENED:
            self.warnings.append(f"{name}: the file is cut off, but behind its last picture")
        elif ending is Ending.TRUNCATED:
            about = f" of about {self._promise.frames}" if self._promise.frames else ""
            raise SourceError(
                f"{name}: ended after frame {self._count}{about} (truncated or damaged)"
            )


class _Damage:
    """How often decoding failed, and where it did first."""

    def __init__(self) -> None:
        self.count = 0
        self.first = 0

    def note(self, index: int) -> None:
        if not self.count:
            self.first = index
        self.count += 1
