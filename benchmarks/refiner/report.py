"""Figures as lines of JSON and as a table in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steadypose.benchmarks.refiner.figures import Figure
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.benchmarks.writing import append_lines, header, plain, table, write_whole

_HEAD = ("figure", "data", "base", "before", "after", "change", "wanted", "met", "n", "groups")


def append_json(path: Path, figures: Sequence[Figure], run: Mapping[str, Any]) -> None:
    """Append a line for each figure; ``run`` goes into each. Raises OutputError."""
    append_lines(path, [record(figure, run) for figure in figures])


def record(figure: Figure, run: Mapping[str, Any]) -> dict[str, Any]:
    """A figure as JSON takes it; NaN becomes null."""
    found: dict[str, Any] = plain({**asdict(figure), "met": figure.met, "run": dict(run)})
    return found


def write_markdown(path: Path, figures: Sequence[Figure], run: Mapping[str, Any]) -> None:
    """Write the table whole or not at all. Raises OutputError."""
    write_whole(path, markdown(figures, run))


def markdown(figures: Sequence[Figure], run: Mapping[str, Any]) -> str:
    """What was run, a table for each section, and the reliability of the probabilities."""
    lines = [*header(run), ""]
    for section in dict.fromkeys(figure.section for figure in figures):
        rows = [row(figure) for figure in figures if figure.section == section]
        lines += [f"### {section}", "", *table(_HEAD, rows), ""]
    return "\n".join([*lines, *_reliability(figures)]).rstrip() + "\n"


def row(figure: Figure) -> tuple[str, ...]:
    """The cells of a figure."""
    wanted, met = "", ""
    if figure.target is not None:
        bound = f"{figure.target.bound:.3g}"
        wanted = f"{figure.target.on} {figure.target.kind} {bound}"
        if figure.target.clear_of is not None:
            wanted += f", interval > {figure.target.clear_of:.3g}"
        met = "yes" if figure.met else "no"
    change = shown(figure.change)
    return (
        figure.metric,
        figure.data,
        figure.base,
        shown(figure.before),
        shown(figure.after),
        f"x {change}" if figure.ratio and change else change,
        wanted,
        met,
        str(figure.n),
        str(figure.groups or ""),
    )


def shown(interval: Interval | None) -> str:
    """``value [low, high]`` to three or four digits; empty for nothing."""
    if interval is None or math.isnan(interval.value):
        return "" if interval is None else "-"
    digits = 1 if abs(interval.value) >= 10 else 2 if abs(interval.value) >= 1 else 3
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _reliability(figures: Sequence[Figure]) -> list[str]:
    """The pooled reliability tables."""
    lines: list[str] = []
    for figure in figures:
        if figure.section != "calibration" or figure.before is not None:
            continue
        rows = [
            tuple(str(cell[key]) for key in ("from", "joints", "told", "right"))
            for cell in figure.more["reliability"]
        ]
        lines += [f"### reliability, {figure.data}", ""]
        lines += [*table(("probability from", "joints", "mean told", "share right"), rows), ""]
    return lines
