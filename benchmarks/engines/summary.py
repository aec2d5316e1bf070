"""Records of ``steadypose bench engines`` as a short table.

``python -m steadypose.benchmarks.engines.summary FILE`` prints, of the newest record of each kind,
milliseconds a batch (host's clock / device's events), distances, the frame with people, memory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from steadypose.benchmarks.tables import shown

Row = Mapping[str, Any]


def short_table(records: Iterable[Row]) -> Iterator[str]:
    """Lines of the table.

    Args:
        records: Parsed lines; of several of one kind the last counts.
    """
    newest = {_kind(record): record for record in records}.values()
    by_section: dict[str, list[Row]] = {}
    for record in newest:
        by_section.setdefault(record["what"], []).append(record)
    for section, rows in by_section.items():
        yield f"== {section}"
        yield from _latency(rows) if section == "engines latency" else map(_line, rows)


def _kind(record: Row) -> tuple[Any, ...]:
    return (record["what"], *record["case"].values())


def _latency(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each network and run time, a column for each batch."""
    batches = sorted({row["case"]["batch"] for row in rows} - {None})
    yield _columns("model, run time; ms host / device", [f"batch {n}" for n in batches])
    lines: dict[tuple[str, str], dict[int | None, str]] = {}
    for row in rows:
        name = row["case"]["model"], _runtime(row)
        lines.setdefault(name, {})[row["case"]["batch"]] = _times(row)
    for (model, runtime), cells in lines.items():
        if set(cells) == {None}:
            yield f"{model}, {runtime}: {cells[None]}"
        else:
            yield _columns(f"{model}, {runtime}", [cells.get(n, "") for n in batches])


def _times(row: Row) -> str:
    values = row["values"]
    if "host_p50_ms" not in values:
        return str(values["note"]) if row["case"]["batch"] is None else "failed"
    host, device = shown(values["host_p50_ms"]), shown(values["device_p50_ms"])
    return f"{host} / {device}" if device else host


def _line(row: Row) -> str:
    values = {name: value for name, value in row["values"].items() if value not in (None, "")}
    note = values.pop("note", "")
    cells = [f"{name} {shown(value)}" for name, value in values.items()]
    return f"{row['case']['model']}, {_runtime(row)}: {', '.join(cells) or note}"


def _runtime(row: Row) -> str:
    engine, runtime = str(row["case"]["engine"] or ""), str(row["case"]["runtime"])
    if not engine or engine.startswith(runtime + " "):
        return engine or runtime
    return f"{runtime}: {engine}"


def _columns(first: str, rest: Sequence[str]) -> str:
    return f"{first:72.72} " + " ".join(f"{cell:>17}" for cell in rest)


def main() -> int:
    """Print the table of the file named."""
    path = Path(sys.argv[1])
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in short_table(json.loads(line) for line in lines):
        print(line.rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
