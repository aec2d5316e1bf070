"""A part of a video file, and where a video may be cut."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from steadypose.stream.sources.decoding import open_container, video_stream


@dataclass(frozen=True, kw_only=True)
class Span:
    """Frames of a video by their time stamps, in units of its time base.

    Attributes:
        seek: Decoding time stamp of the key frame that it begins with.
        first: Presentation time stamp of that frame.
        stop: Presentation time stamp of the first frame behind it; None where it goes to the end.
        index: Number of frames of the video before it.
    """

    seek: int
    first: int
    stop: int | None
    index: int

    def holds(self, pts: int | None) -> bool:
        """Whether a picture with this time stamp lies in it."""
        return pts is not None and pts >= self.first and (self.stop is None or pts < self.stop)

    def ends_before(self, pts: int | None) -> bool:
        """Whether a picture with this time stamp lies behind it."""
        return pts is not None and self.stop is not None and pts >= self.stop


@dataclass(frozen=True, kw_only=True)
class KeyFrames:
    """Where decoding can begin.

    Attributes:
        time_base: Unit of the time stamps in seconds.
        stamps: Presentation time stamps of all frames, ascending.
        places: Decoding and presentation time stamp of each key frame, ascending.
    """

    time_base: Fraction
    stamps: tuple[int, ...]
    places: tuple[tuple[int, int], ...]

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return float((self.stamps[-1] - self.stamps[0]) * self.time_base) if self.stamps else 0.0


def read_key_frames(path: Path) -> KeyFrames | None:
    """Read a file's packets without decoding them.

    Returns:
        None where the time stamps cannot be relied on to find a frame again: some are missing or
        come twice, the container has none of its own (AVI), or it is damaged.

    Raises:
        InputError: The file cannot be opened.
    """
    with open_container(path) as container:
        stream = video_stream(container, path)
        if container.format.name == "avi" or stream.time_base is None:
            return None
        stamps: list[int] = []
        places: list[tuple[int, int]] = []
        try:
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                if packet.pts is None or packet.dts is None or packet.is_corrupt:
                    return None
                stamps.append(packet.pts)
                if packet.is_keyframe:
                    places.append((packet.dts, packet.pts))
        except av.FFmpegError:
            return None
        if len(set(stamps)) < len(stamps):
            return None
        return KeyFrames(
            time_base=stream.time_base, stamps=tuple(sorted(stamps)), places=tuple(sorted(places))
        )
