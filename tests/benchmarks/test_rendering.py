"""Tables, sentences and plots made of records."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from steadypose.benchmarks import records
from steadypose.benchmarks.records import Origin, Record, distribution
from steadypose.benchmarks.render import run as rendering
from steadypose.benchmarks.render.documents import renew, unmarked
from steadypose.benchmarks.render.shapes import read_shapes
from steadypose.errors import InputError

TABLES = """
tables:
  speed:
    files: [a.jsonl]
    where: { what: speed }
    rows: "{clip}"
    corner: clip
    order: { b.mp4: the second, a.mp4: the first }
    columns:
      - { head: fast, where: { preset: fast }, show: "{frames/s:.1f}" }
      - { head: slow, where: { preset: slow }, show: "{frames/s:.1f}" }
  ages:
    files: [a.jsonl]
    where: { preset: slow }
    head: ["", p50]
    lines:
      - [age, "{age ms[p50]:.0f} ms"]
      - { where: { clip: a.mp4 }, cells: [of a, "{frames/s}"] }
  sentence: { files: [a.jsonl], text: "{frames/s:.0f} frames/s of {clip}" }
  whole: { files: [a.jsonl] }
  nobody: { files: [a.jsonl], where: { preset: none }, text: "" }
  nothing: { files: [a.jsonl], text: "{no such}" }
  nowhere: { files: [a.jsonl], rows: "{clip}", order: [c.mp4], columns: [] }
plots:
  lines: { files: [a.jsonl], kind: line, series: "{preset}", x: "{n}", y: "{frames/s}", xlabel: x }
  bars: { files: [a.jsonl], kind: bar, series: "{preset}", x: "{clip}", y: "{frames/s}" }
  points: { files: [a.jsonl], kind: point, series: "{clip}", x: "{frames/s}", y: "{n}" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    origin = Origin(command="c", date=None, commit=None, hardware="h", versions={})
    for clip, preset, fps in (
        ("a.mp4", "fast", 1.0),
        ("a.mp4", "slow", 0.25),
        ("b.mp4", "fast", 9.0),
        ("a.mp4", "fast", 2.0),
    ):
        ages = distribution([fps, 3 * fps])
        values = {"frames/s": fps, "age ms": ages}
        record = Record(what="speed", case={"clip": clip, "preset": preset}, values=values, n=5)
        records.append(tmp_path / "a.jsonl", [record], origin)
    (tmp_path / "tables.yaml").write_text(TABLES)
    return tmp_path


def shown(folder: Path, text: str) -> str:
    return renew(text, read_shapes(folder / "tables.yaml", "tables"), folder)


def block(name: str) -> str:
    return f"before\n<!-- table: {name} -->\nold\n<!-- end -->\nafter\n"


def test_the_newest_record_of_a_row_and_column_counts(folder: Path) -> None:
    assert shown(folder, block("speed")).splitlines()[2:-2] == [
        "| clip | fast | slow |",
        "|---|---|---|",
        "| the second | 9.0 |  |",
        "| the first | 2.0 | 0.2 |",
    ]


def test_rows_can_be_written_out(folder: Path) -> None:
    lines = shown(folder, block("ages")).splitlines()
    assert lines[4:6] == ["| age | 0 ms |", "| of a | 0.25 |"]


def test_a_sentence_stays_in_its_line(folder: Path) -> None:
    text = "It does <!-- table: sentence -->x<!-- end -->, often."
    expected = "It does <!-- table: sentence -->2 frames/s of a.mp4<!-- end -->, often."
    assert shown(folder, text) == expected
    assert shown(folder, expected) == expected
    assert unmarked(expected) == "It does , often."


def test_all_that_is_known_can_be_shown(folder: Path) -> None:
    assert "| clip | preset | frames/s | age ms | n |" in shown(folder, block("whole"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (block("unknown"), "no table is called 'unknown'"),
        ("<!-- table: speed -->", "no end"),
        ("<!-- table: speed -->\n" + block("speed"), "no end"),
        (block("nobody"), "no record in a.jsonl fits"),
        (block("nothing"), "cannot be said of a record of 'speed'"),
        (block("nowhere"), "no record gives the row 'c.mp4'"),
    ],
)
def test_what_cannot_be_rendered_is_said(folder: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        shown(folder, text)


def options(folder: Path, *files: Path, **more: object) -> argparse.Namespace:
    usual = {"tables": folder / "tables.yaml", "check": False, "plots": None}
    return argparse.Namespace(files=list(files), **{**usual, **more})


def test_documents_are_checked_and_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = folder / "doc.md"
    document.write_text(block("speed"))
    assert rendering.run(options(folder, document, check=True)) == 1
    assert "differs" in capsys.readouterr().out
    assert document.read_text() == block("speed")
    assert rendering.run(options(folder, document)) == 0
    assert "| the first |" in document.read_text()
    assert rendering.run(options(folder, document, check=True)) == 0
    assert rendering.run(options(folder, folder / "a.jsonl")) == 0
    assert "### speed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"), [("doc.txt", "expected records"), ("none.md", "cannot be read")]
)
def test_other_files_are_refused(folder: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        rendering.run(options(folder, folder / name))
    with pytest.raises(InputError, match="nothing to render"):
        rendering.run(options(folder))


def test_plots_are_written_the_same_again(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    out = folder / "plots"
    with pytest.raises(InputError, match="no such folder"):
        rendering.run(options(folder, plots=out))
    out.mkdir()
    written = []
    for _ in range(2):
        assert rendering.run(options(folder, plots=out)) == 0
        written.append({path.name: path.read_text() for path in out.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"lines.svg", "bars.svg", "points.svg"}
    assert all("a.mp4" in written[0][f"{name}.svg"] for name in ("bars", "points"))
