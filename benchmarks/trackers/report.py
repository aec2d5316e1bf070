"""Standings as lines of JSON and as tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steadypose.benchmarks.refiner.report import shown
from steadypose.benchmarks.trackers.identity import Standing
from steadypose.benchmarks.writing import append_lines, header, table, write_whole


def append_json(path: Path, rows: Sequence[Standing], run: Mapping[str, Any]) -> None:
    """Append a line for each row; ``run`` goes into each. Raises OutputError."""
    append_lines(path, [record(row, run) for row in rows])


def record(row: Standing, run: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON takes it."""
    return {
        "section": "identity",
        "tracker": row.tracker,
        "fps": row.fps,
        "settings": dict(row.settings),
        "values": {name: asdict(value) for name, value in row.values.items()},
        "switches_by_video": dict(row.by_video),
        **row.more,
        "run": dict(run),
    }


def write_markdown(
    path: Path, rows: Sequence[Standing], run: Mapping[str, Any], *, by_video: bool
) -> None:
    """Write the tables whole or not at all. Raises OutputError."""
    write_whole(path, markdown(rows, run, by_video=by_video))


def markdown(rows: Sequence[Standing], run: Mapping[str, Any], *, by_video: bool = False) -> str:
    """What was run, and a table for each frame rate."""
    lines = [*header(run), ""]
    for fps in dict.fromkeys(row.fps for row in rows):
        these = [row for row in rows if row.fps == fps]
        columns = list(dict.fromkeys(name for row in these for name in row.values))
        cells = [
            (row.tracker, *(shown(row.values.get(name)) for name in columns), _said(row.settings))
            for row in these
        ]
        lines += [f"### identity, {fps:g} frames/s", ""]
        lines += [*table(("tracker", *columns, "settings"), cells), ""]
        if by_video:
            lines += [*_by_video(these), ""]
    return "\n".join(lines).rstrip() + "\n"


def _by_video(rows: Sequence[Standing]) -> list[str]:
    names = sorted(rows[0].by_video, key=lambda name: -rows[0].by_video[name])
    cells = [(name, *(str(row.by_video[name]) for row in rows)) for name in names]
    return table(("switches in", *(row.tracker for row in rows)), cells)


def _said(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "defaults"
