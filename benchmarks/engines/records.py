"""Measured values as lines of JSON and as a table in Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from steadypose.errors import OutputError

Value = float | int | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was measured of one network, or chain of networks, in one run time.

    Attributes:
        section: Part of the benchmark.
        model: Name of the network.
        runtime: The run time as it is asked for.
        engine: Name and version of what ran it, and on what; empty where it did not run.
        precision: ``fp16`` or ``fp32``; empty where it did not run.
        batch: Crops, or people, at once.
        values: What was measured, with the unit at the end of each name; None where there is
            nothing to measure, such as copies to a device on the processor.
        note: Why nothing was measured, or what to know about it.
    """

    section: str
    model: str
    runtime: str
    engine: str = ""
    precision: str = ""
    batch: int | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""


def append_json(path: Path, records: Sequence[Record], run: Mapping[str, Any]) -> None:
    """Append a line for each record; ``run`` goes into each. Raises OutputError."""
    lines = [json.dumps(_plain({**asdict(r), "run": dict(run)}), allow_nan=False) for r in records]
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def write_markdown(path: Path, records: Sequence[Record], run: Mapping[str, Any]) -> None:
    """Write the tables whole or not at all. Raises OutputError."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(markdown(records, run), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def markdown(records: Sequence[Record], run: Mapping[str, Any]) -> str:
    """What was run, and a table for each section."""
    lines = [f"- {key}: {_said(value)}" for key, value in run.items()] + [""]
    for section in dict.fromkeys(record.section for record in records):
        lines += [f"### {section}", ""]
        lines += [*_table([r for r in records if r.section == section]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(records: Sequence[Record]) -> Iterator[str]:
    columns = list(dict.fromkeys(name for record in records for name in record.values))
    yield _line(("model", "run time", "precision", "batch", *columns, "note"))
    yield "|" + "---|" * (len(columns) + 5)
    for record in records:
        cells = [shown(record.values.get(name)) for name in columns]
        batch = "" if record.batch is None else str(record.batch)
        runtime = record.engine or record.runtime
        if not runtime.startswith(record.runtime):
            runtime = f"{record.runtime}: {runtime}"
        yield _line((record.model, runtime, record.precision, batch, *cells, record.note))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def shown(value: Value) -> str:
    """Three to four digits; empty for nothing."""
    if value is None or not math.isfinite(value):
        return ""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:.0f}"
    return (
        f"{value:.4f}"
        if abs(value) < 0.1
        else f"{value:.3g}"
        if abs(value) < 100
        else f"{value:.1f}"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
