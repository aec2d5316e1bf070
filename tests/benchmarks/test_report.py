from __future__ import annotations

import json
from pathlib import Path

import pytest

from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.report import append_json, markdown, write_markdown
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.errors import OutputError

NAN = float("nan")


@pytest.mark.parametrize(
    ("target", "interval", "met"),
    [
        (Target("change", ">=", 3), Interval(3, -1, 7), True),
        (Target("change", ">=", 3, clear_of=0), Interval(3, -1, 7), False),
        (Target("change", ">=", 3, clear_of=0), Interval(3, 0.1, 7), True),
        (Target("change", ">=", 3, clear_of=0), Interval(2.9, 0.1, 7), False),
        (Target("change", "<=", 0.5), Interval(0.5, 0.1, 1), True),
        (Target("change", "<=", 0.5), Interval(0.51, 0.1, 1), False),
        (Target("change", "<=", 0.5), Interval(NAN, NAN, NAN), False),
        (Target("change", ">=", 0), None, False),
    ],
)
def test_targets(target: Target, interval: Interval | None, met: bool) -> None:
    assert Figure(section="s", metric="m", change=interval, target=target).met is met


def test_without_a_target_nothing_is_met() -> None:
    assert Figure(section="s", metric="m").met is None


def figure() -> Figure:
    return Figure(
        section="ap",
        metric="AP",
        data="COCO",
        base="movenet-thunder",
        before=Interval(48.123456, 40, 55),
        after=Interval(52.0, 44, 60),
        change=Interval(3.876544, NAN, 6),
        n=100,
        groups=40,
        target=Target("change", ">=", 3),
        more={"draws": 3},
    )


def test_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    for _ in range(2):
        append_json(path, [figure()], {"sha256": "ab", "versions": {"numpy": "2"}})
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first == second
    assert first["before"] == {"value": 48.12346, "low": 40, "high": 55}
    assert first["change"]["low"] is None
    assert first["met"] is True
    assert first["run"]["versions"] == {"numpy": "2"}
    assert (first["n"], first["groups"], first["more"]) == (100, 40, {"draws": 3})


def test_the_table(tmp_path: Path) -> None:
    path = tmp_path / "table.md"
    write_markdown(path, [figure()], {"model": "r.onnx"})
    lines = path.read_text().splitlines()
    assert lines[0] == "- model: r.onnx"
    head, rule, row = lines[-3:]
    assert head.count("|") == rule.count("|") == row.count("|")
    assert "| 48.1 [40.0, 55.0] | 52.0 [44.0, 60.0] |" in row
    assert "| change >= 3 | yes | 100 | 40 |" in row
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_not_measured_is_a_dash() -> None:
    nothing = Figure(section="s", metric="m", change=Interval(NAN, NAN, NAN), ratio=True)
    assert "| x - |" in markdown([nothing], {})


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="missing"):
        append_json(tmp_path / "missing" / "f.jsonl", [figure()], {})
    with pytest.raises(OutputError, match="missing"):
        write_markdown(tmp_path / "missing" / "f.md", [figure()], {})
