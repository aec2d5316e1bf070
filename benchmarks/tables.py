"""Records as tables in Markdown: a table for each kind, a row for each record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from steadypose.benchmarks.writing import table

Line = Mapping[str, Any]
"""A record as it is written; see ``records``."""

_ORIGIN = ("command", "date", "commit", "hardware", "versions")


def markdown(lines: Sequence[Line]) -> str:
    """Where the records come from, and a table for each ``what``."""
    parts: list[str] = []
    told: list[str] = []
    for what in dict.fromkeys(line["what"] for line in lines):
        rows = [line for line in lines if line["what"] == what]
        origin = _origins(rows)
        parts += [f"### {what}", ""]
        # The same again under every heading would bury the tables.
        new = [each for each in origin if each not in told]
        parts += [*new, ""] if new else []
        parts += [*rows_of(rows), ""]
        told = origin
    return "\n".join(parts).rstrip() + "\n"


def rows_of(lines: Sequence[Line]) -> list[str]:
    """The table of records of one kind: what tells them apart, their figures, their number."""
    names = _names(line["case"] for line in lines)
    figures = _names(line["values"] for line in lines)
    counted = any(line["n"] is not None for line in lines)
    head = [*names, *figures, *(["n"] if counted else [])]
    rows = []
    for line in lines:
        cells = [_text(line["case"].get(name)) for name in names]
        cells += [shown(line["values"].get(name)) for name in figures]
        rows.append([*cells, *([shown(line["n"])] if counted else [])])
    return table(head, rows)


def _names(mappings: Any) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _origins(lines: Sequence[Line]) -> list[str]:
    """What is known of where records come from; several values of one field side by side."""
    found = []
    for name in ("config", *_ORIGIN):
        values = list(dict.fromkeys(_text(line[name]) for line in lines if line[name]))
        if values and name == "command":
            values = [f"`{value}`" for value in values]
        found += [f"- {name}: {'; '.join(values)}"] if values else []
    return found


def shown(value: Any) -> str:
    """A figure: three to four digits; an interval with its ends, percentiles side by side."""
    if isinstance(value, Mapping):
        if {"value", "low", "high"} <= value.keys():
            return _interval(value)
        return ", ".join(f"{name} {shown(each)}" for name, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(shown, value))
    if isinstance(value, (int, float)):
        return _number(value)
    return "" if value is None else str(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:.0f}"
    size = abs(value)
    if 0 < size < 0.001:
        return f"{value:.3g}"
    digits = 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 0.1 else 4
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if value else "0"


def _interval(value: Mapping[str, Any]) -> str:
    if value["value"] is None:
        return "-"
    size = abs(value["value"])
    digits = 1 if size >= 10 else 2 if size >= 1 else 3
    middle, low, high = (
        "-" if value[name] is None else f"{value[name]:.{digits}f}"
        for name in ("value", "low", "high")
    )
    return f"{middle} [{low}, {high}]"


def _text(value: Any) -> str:
    """A setting, or what tells a record from others."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(map(_text, value))
    return "" if value is None else str(value)
