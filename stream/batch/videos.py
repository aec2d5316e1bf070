"""What a batch is made of: videos, what is to be done with each, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from steadypose.stream.shared_batches import Filling
from steadypose.stream.sources.span import Span

DONE, SKIPPED, FAILED = "done", "skipped", "failed"
INTERRUPTED, PENDING, SPLIT = "interrupted", "pending", "split"


@dataclass(frozen=True, kw_only=True)
class Video:
    """One video, or one folder of pictures, and where its results go.

    Attributes:
        source: Path, glob or URL, as it is opened; a URL may hold credentials.
        shown: The same to be shown, without credentials.
        folder: Folder of its results below the output, with ``/`` between parts; ``""`` for the
            output itself.
        stem: What its results are called after.
        size: Bytes, by which progress is weighed; 0 where not known.
        problem: Why it cannot even be tried, else ``""``.
    """

    source: str = field(repr=False)
    shown: str
    folder: str
    stem: str
    size: int = 0
    problem: str = ""

    @property
    def name(self) -> str:
        """Folder and stem: what the results are found under."""
        return f"{self.folder}/{self.stem}" if self.folder else self.stem

    @property
    def summary(self) -> str:
        """The summary's place below the output."""
        return f"{self.name}.summary.json"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A piece of work for one worker.

    Attributes:
        video: What it is about.
        spans: Where the video is split, all of its parts; empty where it is done in one piece.
        part: Number of the part that is to be tracked; None for the video as a whole, or, with
            ``spans``, to join its parts.
        sha256: Of the video, where there are ``spans``.
        attempt: Counts from 1; above it a worker was lost over the task.
        alone: Nothing else is to be done beside it by the same worker, as one was lost while it was
            at work on it.
    """

    video: Video
    spans: tuple[Span, ...] = ()
    part: int | None = None
    sha256: str = ""
    attempt: int = 1
    alone: bool = False

    @property
    def joins(self) -> bool:
        """Whether the parts are to be joined."""
        return bool(self.spans) and self.part is None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a task or a video.

    Attributes:
        outcome: ``done``, ``skipped``, ``failed``, ``interrupted``, ``pending``, or, of a task
            only, ``split``.
        reason: Why it failed, or why it is skipped or pending.
        frames, people: Frames tracked, and identities among them.
        elapsed_s: Seconds of work.
        warnings: Damage that was survived.
        sha256: Of the video.
        spans: Where it is to be split, with ``split``.
        filling: How far it shared batches with other videos; None where it could not.
    """

    outcome: str
    reason: str = ""
    frames: int = 0
    people: int = 0
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()
    sha256: str = ""
    spans: tuple[Span, ...] = ()
    filling: Filling | None = None

    def plain(self) -> dict[str, Any]:
        """For the manifest."""
        sharing = {} if self.filling is None else {"sharing": asdict(self.filling)}
        return {
            "outcome": self.outcome,
            "reason": self.reason or None,
            "frames": self.frames,
            "people": self.people,
            "elapsed_s": round(self.elapsed_s, 3),
            "sha256": self.sha256 or None,
            "warnings": list(self.warnings),
            **sharing,
        }
