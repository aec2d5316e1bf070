"""A recording that goes on for weeks: video and poses in segments that survive a kill."""

from __future__ import annotations

import glob
import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from io import FileIO
from pathlib import Path
from typing import Any

import av

from steadypose.errors import OutputError
from steadypose.frame import Frame
from steadypose.stream.records import FrameResult, SourceInfo
from steadypose.stream.sinks.drawing import draw_poses
from steadypose.stream.sinks.encoding import Mp4Encoder
from steadypose.stream.sinks.jsonl import frame_record
from steadypose.stream.sinks.syncing import Syncer, sync
from steadypose.stream.sinks.values import compact_json

FRAGMENT_S = 1.0
_MICROSECOND = Fraction(1, 1_000_000)
_DEFAULT_FPS = 25.0
_TIMES = "[0-9]" * 8 + "T" + "[0-9]" * 6 + ".[0-9][0-9][0-9]"


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """How a recording is cut and kept.

    Attributes:
        segment_s: Seconds after which the next pair of files begins.
        keep_bytes: The oldest segments of this source are removed when all together are larger; 0
            keeps all.
        drawn: Draw the people into the video.
        draw_score: Joints with a lower score are not drawn (0..1).
    """

    segment_s: float = 300.0
    keep_bytes: float = 0.0
    drawn: bool = False
    draw_score: float = 0.2


class RecordSink:
    """Writes ``<stem>-<UTC time>.mp4`` and ``.jsonl`` for each segment of a run.

    Both have their final names from the beginning and are of use at any time: the video is made of
    fragments of about a second, each complete in itself, and lines are written whole. Line n
    belongs to picture n of the video. A segment also ends with an epoch: the size of the
    picture may change with it. Everything is brought to the disk once a second.

    Args:
        folder: Where the files go; it exists.
        stem: What they are called after.
        info: The source.
        options: How they are cut and kept.
    """

    def __init__(
        self, folder: Path, stem: str, info: SourceInfo, options: RecordOptions | None = None
    ) -> None:
        self._folder, self._stem = folder, stem
        self._fps = info.fps or _DEFAULT_FPS
        self._options = options or RecordOptions()
        self._segment: _Segment | None = None
        self._syncer = Syncer()
        self._written: list[Path] = []

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files written so far, without those removed again."""
        return tuple(self._written)

    def write(self, result: FrameResult) -> None:
        """Append a frame. Raises OutputError when it cannot be written."""
        frame = result.frame
        try:
            if self._segment is None or not self._segment.holds(frame, self._options.segment_s):
                self._begin(frame)
            if self._segment is not None:
                self._segment.write(result, self._options)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def close(self, summary: dict[str, Any]) -> None:  # noqa: ARG002
        """Complete the last segment. Raises OutputError when it cannot be written."""
        try:
            self._end()
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        finally:
            self._syncer.close()

    def discard(self) -> None:
        """End; what is there was asked for and stays."""
        self.close({})

    def _begin(self, frame: Frame) -> None:
        self._end()
        self._make_room()
        self._segment = _Segment(self._folder, self._stem, frame, self._fps)
        self._written += self._segment.paths
        self._syncer.watch(*self._segment.paths)
        sync(self._folder)

    def _end(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def _make_room(self) -> None:
        """Remove the oldest segments of this source beyond what is to be kept."""
        if not self._options.keep_bytes:
            return
        videos = self._folder.glob(f"{glob.escape(self._stem)}-{_TIMES}Z.mp4")
        pairs = [(video, video.with_suffix(".jsonl")) for video in sorted(videos)]
        total = sum(_size(path) for pair in pairs for path in pair)
        for pair in pairs:
            if total <= self._options.keep_bytes:
                return
            for path in pair:
                total -= _size(path)
                path.unlink(missing_ok=True)
            self._written = [path for path in self._written if path not in pair]

    def _failure(self, error: Exception) -> OutputError:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number and 0 < number < 200 else str(error)
        return OutputError(f"{self._folder}: cannot be written: {reason}")


class _Segment:
    """One pair of files."""

    def __init__(self, folder: Path, stem: str, first: Frame, fps: float) -> None:
        base = _free_name(folder, stem, utc_of(first.captured_s))
        self.paths = (folder / f"{base}.mp4", folder / f"{base}.jsonl")
        self._epoch, self._first_s = first.epoch, first.pts_s
        self._lines = FileIO(self.paths[1], "x")
        try:
            self._video = Mp4Encoder(
                self.paths[0],
                (first.width, first.height),
                _MICROSECOND,
                fps,
                fragment_s=FRAGMENT_S,
            )
        except BaseException:
            self._lines.close()
            raise

    def holds(self, frame: Frame, longest_s: float) -> bool:
        """Whether a frame still belongs to the segment."""
        return frame.epoch == self._epoch and frame.pts_s - self._first_s < longest_s

    def write(self, result: FrameResult, options: RecordOptions) -> None:
        """Append a frame to both files."""
        frame = result.frame
        image = frame.image
        if options.drawn:
            image = draw_poses(image, result.poses, draw_score=options.draw_score)
        self._video.write(image, round((frame.pts_s - self._first_s) / _MICROSECOND))
        when = utc_of(frame.captured_s).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = compact_json({"time": when, **frame_record(result)}) + "\n"
        data = memoryview(text.encode())
        while data:
            data = data[self._lines.write(data) :]

    def close(self) -> None:
        """Complete both files."""
        try:
            self._video.close()
        finally:
            self._lines.close()


def utc_of(captured_s: float) -> datetime:
    """The date and time of day of an instant of ``time.monotonic()``, by this computer's clock."""
    return datetime.fromtimestamp(time.time() - (time.monotonic() - captured_s), timezone.utc)


def _free_name(folder: Path, stem: str, when: datetime) -> str:
    """``<stem>-20260131T235959.123Z``, or a millisecond later where that one is there."""
    while True:
        text = when.strftime("%Y%m%dT%H%M%S.") + f"{when.microsecond // 1000:03d}Z"
        if not (folder / f"{stem}-{text}.jsonl").exists():
            return f"{stem}-{text}"
        when += timedelta(milliseconds=1)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
