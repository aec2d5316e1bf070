"""The one form of a record, and its tables."""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.benchmarks import machine, records, tables
from steadypose.benchmarks.records import Origin, Record, distribution, interval, median_of
from steadypose.errors import InputError, OutputError

ORIGIN = Origin(
    command="steadypose bench x", date="2026-01-01", commit=None, hardware="4 cores", versions={}
)


def record(people: int = 1, **values: object) -> Record:
    return Record(what="growth", case={"people": people}, values=values, n=7)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    records.append(None, [record()], ORIGIN)
    for people in (1, 2):
        records.append(path, [record(people, ms=1.2345678, none=float("nan"))], ORIGIN)
    first, second = records.read(path)
    assert first["values"] == {"ms": 1.23457, "none": None}
    assert (second["case"], second["n"]) == ({"people": 2}, 7)
    assert second["command"] == "steadypose bench x"


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", r"records\.jsonl:2: no JSON"), ("[]", "'what' is missing"), ('{"what": 1}', "'case'")],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "records.jsonl"
    records.append(path, [record()], ORIGIN)
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=said):
        records.read(path)
    with pytest.raises(InputError, match="cannot be read"):
        records.read(tmp_path / "none")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="missing"):
        records.append(tmp_path / "missing" / "r.jsonl", [record()], ORIGIN)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_percentiles_are_in_order(values: list[float]) -> None:
    found = distribution(values)
    assert found["n"] == len(values)
    assert found["p50"] <= found["p95"] <= found["p99"] <= found["max"]
    middle = median_of(values)
    assert middle["low"] <= middle["value"] <= middle["high"]


def test_of_nothing_there_are_no_percentiles() -> None:
    found = distribution([])
    assert found.pop("n") == 0
    assert set(found) == {"p50", "p95", "p99", "mean", "max"}
    assert not any(found.values())


def test_the_command_names_no_folders() -> None:
    told = records.told_command("growth", ["/home/me/my clip.mp4", "--json", "out/a.jsonl"])
    assert told == "steadypose bench growth 'my clip.mp4' --json a.jsonl"


def test_where_it_ran_is_known() -> None:
    origin = Origin.of(argparse.Namespace(told="steadypose bench x"), ["numpy", "no-such"], gpu="1")
    assert origin.command == "steadypose bench x"
    assert origin.versions["numpy"] == np.__version__
    assert (origin.versions["no-such"], origin.versions["gpu"]) == ("not installed", "1")
    assert f"{machine.cores()} cores" in origin.hardware


def test_outside_of_a_checkout_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(128, "git")

    monkeypatch.setattr(machine.subprocess, "run", fail)
    assert machine.commit() is None


def test_a_table_for_each_kind_and_the_origin_once() -> None:
    lines = [
        records.as_line(record(1, ms=interval(12.345, 11, 14), fits=True), ORIGIN),
        records.as_line(record(20, ms=interval(0.5, 0.4, 0.625), fits=False, more="x | y"), ORIGIN),
        records.as_line(Record(what="fit", case={}, values={"slope": 2.0}), ORIGIN),
    ]
    text = tables.markdown(lines)
    assert "| people | ms | fits | more | n |" in text
    assert "| 1 | 12.3 [11.0, 14.0] | yes |  | 7 |" in text
    assert "| 20 | 0.500 [0.400, 0.625] | no | x / y | 7 |" in text
    assert "| slope |\n|---|\n| 2 |" in text
    assert text.count("4 cores") == text.count("`steadypose bench x`") == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (0.0, "0"), (True, "yes"), (3, "3"), (12345.6, "12346"), (123.45, "123.5"),
        (0.01234, "0.0123"), (1e-9, "1e-09"), ([1, 2.5], "1, 2.5"), (float("nan"), ""),
        ({"p50": 1.0, "n": 3}, "p50 1, n 3"), ({"value": None, "low": None, "high": None}, "-"),
    ],
)  # fmt: skip
def test_figures_are_shown_to_a_few_digits(value: object, shown: str) -> None:
    assert tables.shown(value) == shown


RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_kept_record_has_the_form(path: Path) -> None:
    fields = {*Record.__dataclass_fields__, *Origin.__dataclass_fields__}
    for line in records.read(path):
        assert set(line) == fields
        # Tables know a record's figures by their names alone.
        assert not fields & {*line["case"], *line["values"]}
        assert not set(line["case"]) & set(line["values"])
        assert json.dumps(line, allow_nan=False)
