"""Tables of rows that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steadypose.benchmarks.peers.tables import (
    BEGIN,
    END,
    Records,
    markdown,
    read_records,
    write_page,
)

ROOT = Path(__file__).resolve().parents[3]
RUN = {"hardware": "a processor", "threads": 2, "versions": {"v": "1"}, "commit": "c"}
RUN |= {"command": "steadypose bench peers", "date": "2026-01-01"}


def row(section: str, case: str, name: str, **values: float) -> dict[str, Any]:
    several = name != "alone"
    settings = {"licence": "MIT", "several": several, "names": True}
    told = {"section": section, "case": case, "name": name, "values": values}
    return {**told, "settings": settings, "more": {}, "run": RUN}


ROWS = [
    *(row("accuracy", "9 pictures", n, AP=ap) for n, ap in (("peer", 45.0), ("alone", 10.0))),
    row("accuracy", "9 pictures", "Steadypose fast", AP=37.0),
    row("accuracy", "9 pictures", "Steadypose balanced", AP=45.0),
    *(
        row("speed", "a.mp4", name, fps=fps, frames=10)
        for peer, fast, balanced in [(10, 40, 15), (5, 40, 15), (10, 40, 20)]
        for name, fps in (
            ("peer", peer),
            ("Steadypose fast", fast),
            ("Steadypose balanced", balanced),
        )
    ),
    row("crowd", "12", "peer", frame_ms=30.0, people=11.0),
    row("crowd", "4", "peer", frame_ms=20.0, people=4.0),
    row("crowd", "4", "Steadypose balanced", frame_ms=40.0, people=3.5),
]
BLIND = [
    row("crowd", "1", "peer", frame_ms=15.0, people=1.0),
    row("crowd", "1", "Steadypose balanced", frame_ms=10.0, people=0.0),
]
"""Found nobody, in next to no time."""


def line(text: str, start: str) -> list[str]:
    """Cells of the first line of a table that starts so."""
    (found, *_) = (x for x in text.splitlines() if x.startswith(f"| {start} |"))
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_medians_with_their_spread() -> None:
    part = markdown(Records(ROWS)).split("**a.mp4**, 10 frames")[1]
    assert line(part, "Steadypose fast")[1] == "40.0 (40.0 to 40.0)"
    assert line(part, "peer")[1] == "10.0 (5.0 to 10.0)"


def test_crowds_come_by_number_with_who_was_found() -> None:
    part = markdown(Records(ROWS)).split("**ms a frame (people found)**")[1]
    assert line(part, "")[1:] == ["4 people", "12 people"]
    assert line(part, "peer")[1:] == ["20.0 (4.0)", "30.0 (11.0)"]
    assert line(part, "Steadypose balanced")[1:] == ["40.0 (3.5)", "-"]


def test_only_a_preset_that_is_as_right_is_set_against_a_peer() -> None:
    """The median of the ratios of each round: 1.5, 3 and 2; for one person nobody is compared."""
    parts = markdown(Records(ROWS)).split("**Times as fast at equal or better AP**")[1]
    faster, better = parts.split("**More AP at equal or better speed**")
    assert line(faster, "than")[1:] == ["AP", "a.mp4", "4 people", "12 people"]
    assert line(faster, "peer")[1:] == ["45.0", "2.00 (balanced)", "0.50 (balanced)", "-"]
    assert line(better, "peer")[1:] == ["45.0", "+0.0 (balanced)", "-", "-"]
    assert "alone" not in parts


def test_who_finds_nobody_is_not_called_fast() -> None:
    faster = markdown(Records([*ROWS, *BLIND])).split("**Times as fast at equal or better AP**")[1]
    assert line(faster, "than")[1:] == ["AP", "a.mp4", "1 people", "4 people", "12 people"]
    assert line(faster, "peer")[1:][2] == "-"


def test_pictures_that_nobody_was_trained_on_are_compared_apart() -> None:
    new = [
        row("accuracy", "9 pictures", name, **{"AP val2017": ap})
        for name, ap in (("peer", 36.0), ("Steadypose fast", 37.0))
    ]
    text = markdown(Records([*ROWS, *new]))
    part = text.split("**Times as fast at equal or better AP val2017**")[1]
    assert line(part, "peer")[1:3] == ["36.0", "4.00 (fast)"]


def test_ours_come_first_and_a_further_run_adds_rounds() -> None:
    records = Records([*ROWS, row("speed", "a.mp4", "peer", fps=11, frames=10)])
    assert records.systems[:2] == ["Steadypose fast", "Steadypose balanced"]
    assert records.values("speed", "a.mp4", "peer", "fps") == [10, 5, 10, 11]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "T\n"),
        ("old", "T\n"),
        (f"a\n{BEGIN}\nold\n{END}\nb\n", f"a\n{BEGIN}\n\nT\n\n{END}\nb\n"),
    ],
)
def test_a_page_keeps_what_is_around_its_marks(
    tmp_path: Path, before: str | None, after: str
) -> None:
    path = tmp_path / "page.md"
    if before is not None:
        path.write_text(before)
    write_page(path, "T\n")
    assert path.read_text() == after


def test_rows_and_columns_without_values_are_left_out() -> None:
    text = markdown(Records(ROWS))
    assert line(text, "")[1:] == ["licence", "follows", "AP"]
    assert "| alone |" not in text.split("**a.mp4**")[1]


def test_the_page_is_what_the_records_give() -> None:
    page = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
    shown = page.split(BEGIN)[1].split(END)[0].strip()
    assert shown == markdown(read_records(ROOT / "benchmarks/results/peers.jsonl")).strip()
