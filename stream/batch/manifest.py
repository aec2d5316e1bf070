"""What became of every video of a batch: as JSON while it runs, as a table at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from steadypose._version import __version__
from steadypose.stream.batch.places import Place
from steadypose.stream.batch.videos import (
    DONE,
    FAILED,
    INTERRUPTED,
    PENDING,
    SKIPPED,
    Result,
    Video,
)

MANIFEST = "steadypose-batch.json"
_SAVE_EVERY_S = 2.0
_ALL_ROWS = 30
"""Up to so many videos the table has a row for each; beyond, only for those that are not done."""
_ORDER = (DONE, SKIPPED, FAILED, INTERRUPTED, PENDING)


class Manifest:
    """Keeps the results and writes them to ``steadypose-batch.json``, as a whole or not at all.

    Args:
        place: The tree of results.
        states: All videos of the batch, in order, with what is known of each.
        facts: Further entries, such as the settings.
    """

    def __init__(
        self,
        place: Place,
        states: Sequence[tuple[Video, Result]],
        facts: dict[str, Any],
    ) -> None:
        self._place, self._facts = place, facts
        self._videos = [video for video, _ in states]
        self._results = {video.name: result for video, result in states}
        self._begun = _now()
        self._saved_s = 0.0

    def results(self) -> list[tuple[Video, Result]]:
        """Every video with what became of it, in order."""
        return [(video, self._results[video.name]) for video in self._videos]

    def set(self, video: Video, result: Result) -> None:
        """Take note of a result; the file follows within a few seconds. Raises OutputError."""
        self._results[video.name] = result
        if time.monotonic() - self._saved_s >= _SAVE_EVERY_S:
            self.save()

    def save(self, *, ended: bool = False) -> None:
        """Write the file. Raises OutputError when it cannot be written; the old one stays."""
        self._saved_s = time.monotonic()
        counts = Counter(result.outcome for result in self._results.values())
        value = {
            "steadypose": __version__,
            "begun": self._begun,
            "ended": _now() if ended else None,
            **self._facts,
            "counts": {outcome: counts[outcome] for outcome in _ORDER},
            "videos": [
                {"name": video.name, "source": video.shown, **result.plain()}
                for video, result in self.results()
            ],
        }
        self._place.write_json(MANIFEST, value)


def failed_before(place: Place) -> dict[str, Result]:
    """Why videos failed that the last manifest of an output lists as failed or interrupted."""
    videos = (place.read_json(MANIFEST) or {}).get("videos", [])
    return {
        str(entry["name"]): Result(outcome=FAILED, reason=str(entry.get("reason") or ""))
        for entry in videos
        if entry.get("outcome") in (FAILED, INTERRUPTED)
    }


def table(results: Sequence[tuple[Video, Result]]) -> list[str]:
    """Lines that tell what became of each video, or only of those that are not done if many are."""
    shown = list(results)
    if len(shown) > _ALL_ROWS:
        shown = [(v, r) for v, r in shown if r.outcome not in (DONE, SKIPPED)]
    width = min(60, max((len(video.name) for video, _ in shown), default=0))
    lines = [f"{r.outcome:<11} {v.name:<{width}}  {_details(r)}".rstrip() for v, r in shown]
    counts = Counter(result.outcome for _, result in results)
    total = ", ".join(f"{counts[o]} {o}" for o in _ORDER if counts[o] or o in (DONE, FAILED))
    return [*lines, f"{len(results)} videos: {total}"]


def plan_table(results: Iterable[tuple[Video, Result]]) -> list[str]:
    """Lines that tell what a batch would do."""
    rows = list(results)
    lines = [
        f"{'skip' if r.outcome == SKIPPED else 'run ':<5} {v.shown} -> {v.name}  ({r.reason})"
        for v, r in rows
    ]
    todo = sum(result.outcome != SKIPPED for _, result in rows)
    return [*lines, f"{len(rows)} videos: {todo} to run, {len(rows) - todo} done before"]


def _details(result: Result) -> str:
    if result.outcome in (DONE, SKIPPED):
        speed = f", {result.frames / result.elapsed_s:.1f} frames/s" if result.elapsed_s else ""
        notes = f"; {len(result.warnings)} warning(s)" if result.warnings else ""
        return f"{result.frames} frames, {result.people} people{speed}{notes}"
    kept = f" ({result.frames} frames are on disk)" if result.frames else ""
    return f"{result.reason}{kept}"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
