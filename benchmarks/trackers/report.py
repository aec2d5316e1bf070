"""Rows as lines of JSON and as tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steadypose.benchmarks.refiner.report import shown
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.benchmarks.trackers.rows import Row
from steadypose.benchmarks.writing import append_lines, header, table, write_whole


def append_json(path: Path, rows: Sequence[Row], run: Mapping[str, Any]) -> None:
    """Append a line for each row; ``run`` goes into each. Raises OutputError."""
    append_lines(path, [{**asdict(row), "run": dict(run)} for row in rows])


def write_markdown(
    path: Path, rows: Sequence[Row], run: Mapping[str, Any], *, by_video: bool
) -> None:
    """Write the tables whole or not at all. Raises OutputError."""
    write_whole(path, markdown(rows, run, by_video=by_video))


def markdown(rows: Sequence[Row], run: Mapping[str, Any], *, by_video: bool = False) -> str:
    """What was run, and a table for each section and case."""
    lines = [*header(run), ""]
    for section, case in dict.fromkeys((row.section, row.case) for row in rows):
        these = [row for row in rows if (row.section, row.case) == (section, case)]
        columns = list(dict.fromkeys(name for row in these for name in row.values))
        cells = [
            (row.name, *(_cell(row.values.get(name)) for name in columns), _said(row.settings))
            for row in these
        ]
        lines += [f"### {section}, {case}", "", *table(("", *columns, "settings"), cells), ""]
        if by_video:
            lines += _by_video(these)
    return "\n".join(lines).rstrip() + "\n"


def _cell(value: Interval | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return shown(value)


def _by_video(rows: Sequence[Row]) -> list[str]:
    """Id switches of each tracker in each video, where they were counted."""
    counts = {row.name: row.more.get("switches_by_video") for row in rows}
    known = {name: each for name, each in counts.items() if each}
    if not known:
        return []
    first = next(iter(known.values()))
    cells = [(video, *(str(each[video]) for each in known.values())) for video in first]
    return [*table(("switches in", *known), cells), ""]


def _said(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "defaults"
