"""What the parts of the dataflow hand to one another, and the protocols they meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from steadypose.frame import Frame
from steadypose.poses import Poses


@dataclass(frozen=True, kw_only=True)
class SourceInfo:
    """What is known of a source before its first frame.

    Attributes:
        name: Text to show, free of credentials; a file's name with its suffix.
        stem: What output files are called after, e.g. ``"clip"`` for ``clip.mp4``.
        width, height: Size of a frame in pixels, after rotation; 0 where not known.
        frames: Number of frames the container promises, or None. A promise, not a count.
        fps: Average frame rate in frames per second, or None.
        time_base: Unit of ``Frame.pts`` in seconds, or None where a source has no time stamps.
        codec: FFmpeg's name of the codec, or ``""``.
        live: True for cameras and URLs, where the newest frame counts.
    """

    name: str
    stem: str
    width: int = 0
    height: int = 0
    frames: int | None = None
    fps: float | None = None
    time_base: Fraction | None = None
    codec: str = ""
    live: bool = False


class Source(Protocol):
    """Yields frames in presentation order, each once; ``close`` may be called at any time.

    Iterating raises ``SourceError`` when the source fails after some frames; the frames before
    it have been yielded. ``warnings`` collects lines about damage that was survived.
    """

    info: SourceInfo
    warnings: list[str]

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """End the iteration and let go of the file; safe from any thread."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameResult:
    """The people of one frame, with how they came to be.

    Attributes:
        frame: The picture and its clocks.
        poses: Tracked people; every row has a track id.
        detected: True when the detector looked at this frame, False when the boxes came from
            predicted tracks alone.
        stage_s: Seconds of work each stage spent on this frame, by stage name.
        age_s: Seconds from ``frame.captured_s`` to the moment the result was ready.
    """

    frame: Frame
    poses: Poses
    detected: bool = True
    stage_s: dict[str, float] = field(default_factory=dict)
    age_s: float = 0.0


class Sink(Protocol):
    """Takes results in order and turns them into a file.

    A sink writes under a temporary name. ``close`` completes the file and renames it, whether
    the run ended well or was cut short: what was tracked until then is kept and valid.
    ``discard`` removes what was begun, when nothing was tracked at all.
    """

    def write(self, result: FrameResult) -> None:
        """Take the next frame's result. Raises OutputError."""
        ...

    def close(self, summary: dict[str, Any]) -> None:
        """Complete the file and give it its name. Raises OutputError."""
        ...

    def discard(self) -> None:
        """Remove what was begun."""
        ...
