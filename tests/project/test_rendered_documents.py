"""Figures in the documents are those of the records, or a command beside them prints them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from steadypose.benchmarks.render.documents import renew, sections, unmarked
from steadypose.benchmarks.render.shapes import read_shapes

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
TABLES = RESULTS / "tables.yaml"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [*DOCUMENTS, *sorted(RESULTS.glob("*.md"))]

FIGURE = re.compile(r"\d (ms|frames/s|MB|MiB|% faster|times as (long|fast))\b|\bAP \d\d|\d AP\b")
"""What a measured figure looks like."""
COMMAND = re.compile(r"steadypose (bench|evaluate|posetrack|models)|(benchmarks|scripts)[./]\w+")
NOT_MEASURED = {
    "time.md": {"## `pts_s`: time within the clip"},
}
"""Sections with settings in these units, by document."""


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_marked_parts_are_what_the_records_say(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert renew(text, read_shapes(TABLES, "tables"), RESULTS) == text, (
        "run: steadypose bench render README.md docs/*.md benchmarks/results/*.md"
    )


def test_every_table_is_shown_somewhere() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in WRITTEN)
    unused = [name for name in read_shapes(TABLES, "tables") if f"table: {name} -->" not in shown]
    assert not unused


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_figures_stand_beside_the_command_that_prints_them(path: Path) -> None:
    def unexplained(section: str) -> bool:
        return bool(FIGURE.search(unmarked(section))) and not COMMAND.search(section)

    found = set(sections(path.read_text(encoding="utf-8"), unexplained))
    assert found <= NOT_MEASURED.get(path.name, set())
