"""Reading back what the command line wrote."""

from __future__ import annotations

import json
from pathlib import Path

import av


def lines_of(folder: Path, stem: str = "clip") -> list[dict[str, object]]:
    return lines_in(folder / f"{stem}.jsonl")


def summary_of(folder: Path, stem: str = "clip") -> dict[str, object]:
    loaded: dict[str, object] = json.loads((folder / f"{stem}.summary.json").read_text())
    return loaded


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text.strip()


def pictures_in(path: Path) -> list[float]:
    """Times of the pictures that a video holds."""
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0) if frame.time is not None]


def lines_in(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
