"""What is finished: told by each video's own summary, so that nothing else need be kept in step."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadypose.errors import SteadyposeError
from steadypose.stream.batch.fingerprint import content_sha256, quick_stamp
from steadypose.stream.batch.places import LocalPlace, Place, at_hand
from steadypose.stream.batch.videos import DONE, PENDING, SKIPPED, Result, Video

HIDDEN = ".steadypose"
"""Folder of the output that holds the journal and the parts of split videos."""
_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Finds out what is done.

    Attributes:
        place: The tree of results.
        key: Of the settings; see ``settings_key``.
        rehash: Read every video again, even where size and time say that it did not change.
    """

    place: Place
    key: str
    rehash: bool = False

    def survey(self, videos: Iterable[Video]) -> list[Result]:
        """For each video, ``skipped`` where it is finished, else ``pending`` with the reason."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self.state, videos))

    def state(self, video: Video) -> Result:
        """``skipped`` with the figures of the finished run, or ``pending`` and why."""
        report = self.place.read_json(video.summary)
        if report is None:
            return Result(outcome=PENDING, reason="new")
        why = self._why_again(video, report)
        if why:
            return Result(outcome=PENDING, reason=why)
        return Result(
            outcome=SKIPPED,
            reason="done before",
            frames=int(report["frames"]),
            people=int(report["tracks"]),
            sha256=str(report["batch"]["sha256"]),
            warnings=tuple(report["warnings"]),
        )

    def _why_again(self, video: Video, report: Mapping[str, Any]) -> str:
        notes = report.get("batch")
        if not isinstance(notes, dict) or report.get("outcome") != DONE:
            return f"it was {report.get('outcome', 'begun')}"
        if notes.get("settings") != self.key:
            return "settings or version changed"
        files = report.get("files", {})
        prefix = f"{video.folder}/" if video.folder else ""
        if self.place.sizes([prefix + name for name in files]) != list(files.values()):
            return "results are missing or changed"
        stamp = quick_stamp(video.source)
        if stamp and stamp == notes.get("stamp") and not self.rehash:
            return ""
        try:
            with at_hand(video.source) as local:
                same = content_sha256(local) == notes.get("sha256")
        except SteadyposeError:
            same = False
        return "" if same else "the video changed"


class Journal:
    """A line of JSON for everything that happens, for whoever must know how often and when.

    Only a local output has one: a line cannot be appended to a file in an object store.
    """

    def __init__(self, place: Place) -> None:
        self._path: Path | None = None
        if isinstance(place, LocalPlace):
            folder = place.root / HIDDEN
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                self._path = folder / "journal.jsonl"

    def note(self, event: str, video: Video, **details: Any) -> None:
        """Append an event: ``begun``, ``done``, ``failed`` ... ."""
        if self._path is None:
            return
        entry = {"time": round(time.time(), 3), "run": os.getpid(), "event": event}
        entry |= {"video": video.name, **details}
        # One write of a whole line: readers and a sudden end never see half of two. A full disk
        # costs the line, not the batch.
        with contextlib.suppress(OSError), self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
