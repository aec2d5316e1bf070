"""Records of measurements as lines of JSON, and tables in Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steadypose.errors import OutputError


def append_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Append a line of JSON for each record; NaN becomes null. Raises OutputError."""
    lines = [json.dumps(plain(record), allow_nan=False) + "\n" for record in records]
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text whole or not at all. Raises OutputError."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def plain(value: Any) -> Any:
    """A value as JSON takes it; NaN and infinity become None.

    Numbers have five decimals, those below a hundredth four digits.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return _rounded(value) if math.isfinite(value) else None
    return value


def _rounded(value: float) -> float:
    return round(value, 5) if abs(value) >= 0.01 else float(f"{value:.4g}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table in Markdown."""
    cells = [[cell.replace("|", "/") for cell in row] for row in (head, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]
