"""Results as the tables of the field."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from steadypose.benchmarks.posetrack.evaluation import Result
from steadypose.benchmarks.posetrack.joints import COLUMNS, row
from steadypose.benchmarks.posetrack.scores import Scores

Rows = list[tuple[str, list[float]]]
HEAD = (*COLUMNS, "Total")
_HOTA = ("HOTA", "DetA", "AssA", "FragA", "FA-HOTA")
_BOXES = ("MOTA", "MOTP", "IDF1", "HOTA", "DetA", "AssA", "switches")


def result_rows(result: Result) -> Rows:
    """Name and eight values for each metric of poses."""
    rows = _rows(result.ap, ("AP",)) + _rows(result.mota, ("MOTA", "MOTP", "precision", "recall"))
    for averaging, scores in (result.hota or {}).items():
        rows += [(f"{n} ({averaging})", values) for n, values in _rows(scores, _HOTA)]
    return rows


def _rows(scores: Scores | None, names: Sequence[str]) -> Rows:
    return [(n, row(scores[n].joints, scores[n].total)) for n in names] if scores else []


def result_text(result: Result) -> str:
    """The result as a table of plain text."""
    parts = []
    rows = result_rows(result)
    if rows:
        parts.append(table(("", *HEAD), [(n, *map(number, values)) for n, values in rows]))
    if result.box:
        box = result.box
        parts.append(table(("boxes", *_BOXES), [("", *(_box(n, box[n]) for n in _BOXES))]))
    return "\n".join(parts)


def _box(name: str, value: float) -> str:
    return f"{value:.0f}" if name == "switches" else number(value)


def clip_rows(clips: Mapping[str, Result]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of the table of single sequences: totals only."""
    columns: dict[str, Callable[[Result], float | None]] = {
        "AP": lambda r: r.ap["AP"].total if r.ap else None,
        "MOTA": lambda r: r.mota["MOTA"].total if r.mota else None,
        "HOTA": lambda r: r.hota["sequences"]["HOTA"].total if r.hota else None,
        "box MOTA": lambda r: r.box["MOTA"] if r.box else None,
        "box IDF1": lambda r: r.box["IDF1"] if r.box else None,
    }
    values = {
        name: [number(v) if (v := get(r)) is not None else None for r in clips.values()]
        for name, get in columns.items()
    }
    used = {name: cells for name, cells in values.items() if any(c is not None for c in cells)}
    rows = [(clip, *(cells[n] or "-" for cells in used.values())) for n, clip in enumerate(clips)]
    return ("sequence", *used), rows


def number(value: float) -> str:
    """To one decimal as the papers have it; a dash for nothing."""
    return "-" if math.isnan(value) else f"{value:.1f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for cells in (head, *rows):
        first, *rest = (
            c.ljust(w) if i == 0 else c.rjust(w)
            for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join(lines)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same in Markdown."""
    rule = "|".join(["---", *("---:" for _ in head[1:])])
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
