"""Reading back what the command line wrote."""

from __future__ import annotations

import json
from pathlib import Path


def lines_of(folder: Path, stem: str = "clip") -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{stem}.jsonl").read_text().splitlines()]


def summary_of(folder: Path, stem: str = "clip") -> dict[str, object]:
    loaded: dict[str, object] = json.loads((folder / f"{stem}.summary.json").read_text())
    return loaded


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text.strip()
