"""Measured values as lines of JSON and as a table in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from steadypose.benchmarks.writing import append_lines, header, table, write_whole

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
    append_lines(path, [{**asdict(record), "run": dict(run)} for record in records])


def write_markdown(path: Path, records: Sequence[Record], run: Mapping[str, Any]) -> None:
    """Write the tables whole or not at all. Raises OutputError."""
    write_whole(path, markdown(records, run))


def markdown(records: Sequence[Record], run: Mapping[str, Any]) -> str:
    """What was run, and a table for each section."""
    lines = [*header(run), ""]
    for section in dict.fromkeys(record.section for record in records):
        lines += [f"### {section}", ""]
        lines += [*_table([r for r in records if r.section == section]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(records: Sequence[Record]) -> list[str]:
    columns = list(dict.fromkeys(name for record in records for name in record.values))
    rows = []
    for record in records:
        cells = [shown(record.values.get(name)) for name in columns]
        batch = "" if record.batch is None else str(record.batch)
        runtime = record.engine or record.runtime
        if not runtime.startswith(record.runtime):
            runtime = f"{record.runtime}: {runtime}"
        rows.append((record.model, runtime, record.precision, batch, *cells, record.note))
    return table(("model", "run time", "precision", "batch", *columns, "note"), rows)


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
