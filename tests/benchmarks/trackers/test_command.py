from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import yaml

from steadypose.benchmarks.command import run_alone
from steadypose.benchmarks.trackers import cost, smoothness
from steadypose.benchmarks.trackers.arguments import SECTIONS, add_arguments
from steadypose.benchmarks.trackers.contenders import run_plain
from steadypose.benchmarks.trackers.identity import Contender
from steadypose.benchmarks.trackers.tuning import drawn
from steadypose.configs import load_config
from steadypose.trackers import TrackerSettings
from tests.benchmarks.trackers.made_up import figures_of, posetrack18, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    content = posetrack18(figures_of(12))
    return write(tmp_path / "gt", train_a=content, test_b=content, test_c=content)


def bench(*words: object) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as stop:
        run_alone("trackers", [str(word) for word in words])
    code = stop.value.code
    assert isinstance(code, int)
    return code


def test_rows_are_printed_and_kept(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, table = tmp_path / "out.jsonl", tmp_path / "out.md"
    words = ("--sections", "identity", "--fps", 25, 12, "--repeats", 1, "--resamples", 20)
    assert bench(tree, *words, "--json", out, "--markdown", table, "--by-video") == 0
    printed = capsys.readouterr().out
    assert printed == table.read_text()
    assert "### trackers identity" in printed
    assert "| 25 frames/s | plain SORT | test_b |" in printed
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["case"]["tracker"], row["case"]["scene"]) for row in rows] == [
        (name, f"{fps} frames/s")
        for fps in (25, 12)
        for name in ("perfect", "Steadypose", "plain SORT")
    ]
    for row in rows:
        assert row["config"]["seed"] == 0
        assert row["config"]["noise"]["flicker"] > 0
        assert row["command"].startswith("steadypose bench trackers")
        assert row["versions"]
        assert row["hardware"]
        assert set(row["more"]["switches_by_video"]) == {"test_b", "test_c"}
        assert row["values"]["MOTA"]["low"] <= row["values"]["MOTA"]["high"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("no-such-folder",), "no-such-folder: no PoseTrack annotations"),
        (("GT", "--only", "SORD"), "--only: unknown tracker 'SORD'"),
        (("GT", "--peers", "nowhere"), "make_peers.sh"),
        (("GT", "--config", "fst"), "unknown preset 'fst'"),
        (("GT", "--json", "no/such/folder/a.jsonl"), "a.jsonl: cannot be written"),
        (("GT", "--markdown", "no/such/folder/a.md"), "a.md: no such folder"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    tree: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    named = [str(tree) if word == "GT" else word for word in words]
    assert bench(*named, "--sections", "identity") == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert message in errors[0]


def test_a_search_goes_on_from_its_log(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (tree, "--fps", 25, "--repeats", 1)
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    assert bench(*words, "--tune", 4, "--tune-log", whole) == 0
    best = capsys.readouterr().out
    for trials in (2, 4):
        assert bench(*words, "--tune", trials, "--tune-log", parts) == 0
    assert capsys.readouterr().out.endswith(best)
    assert parts.read_text() == whole.read_text()
    trials_kept = [json.loads(line) for line in whole.read_text().splitlines()]
    assert [trial["number"] for trial in trials_kept] == [0, 1, 2, 3]
    assert trials_kept[0]["settings"] == {}
    assert all(trial["search"]["videos"] == ["train_a"] for trial in trials_kept)

    path = tmp_path / "best.yaml"
    path.write_text(best)
    TrackerSettings(**load_config(str(path)).tracker)
    assert yaml.safe_load(best)["tracker"] == max(trials_kept, key=lambda t: t["merit"])["settings"]


def test_another_search_is_not_gone_on_from(tree: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    for seed in (0, 1):
        words = ("--fps", 25, "--repeats", 1, "--seed", seed, "--tune", 1, "--tune-log", log)
        assert bench(tree, *words) == 0
    assert len(log.read_text().splitlines()) == 2


def test_a_log_that_is_none(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"a": 1}\n')
    assert bench(tree, "--fps", 25, "--tune", 1, "--tune-log", log) == 2
    assert "line 1 is no trial" in capsys.readouterr().err


def test_draws_are_valid_and_their_own() -> None:
    found = [drawn({"lost_s": 3.0}, 0, number) for number in range(30)]
    assert found == [drawn({"lost_s": 3.0}, 0, number) for number in range(30)]
    for values in found:
        settings = TrackerSettings(**values)
        assert 1.5 <= settings.lost_s <= 6.0
        assert settings.follow_s == TrackerSettings().follow_s
    assert len({json.dumps(values, sort_keys=True) for values in found}) == 30


def test_the_cost_of_a_crowd_has_a_row_for_each_tracker() -> None:
    def track(_: object, videos: object) -> list[object]:
        return [run_plain({"max_age_s": 1.0}, videos)]  # type: ignore[arg-type]

    both = [Contender(name=name, variants=[{}], track=track) for name in "ab"]  # type: ignore[arg-type]
    rows = list(cost.measure(both, [1, 3], 2, 0))
    assert [(row.case, row.name) for row in rows] == [
        ("1 people", "a"),
        ("1 people", "b"),
        ("3 people", "a"),
        ("3 people", "b"),
    ]
    for row in rows:
        assert row.values["p95 ms"] >= row.values["p50 ms"] > 0  # type: ignore[operator]


def test_the_cost_is_told_with_and_without_looks(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--sections", "cost", "--crowds", 2, "--rounds", 1, "--only", "Steadypose")
    assert bench(*words) == 0
    rows = [
        line.split("|")[2].strip() for line in capsys.readouterr().out.splitlines() if "|" in line
    ]
    assert rows[2:] == ["Steadypose", "Steadypose, with looks"]


def test_smoothers_trade_lag_for_calm() -> None:
    slower = tuple({"min_cutoff_hz": cutoff, "beta": 0.0} for cutoff in (1.0, 3.0))
    curves = [curve for curve in smoothness.CURVES if len(curve[2]) == 1]
    rows = list(smoothness.measure(25.0, 0, [*curves, ("one-euro", "one-euro", slower)], 6.0))
    raw = rows[0]
    assert (raw.name, raw.values["lag ms"]) == ("off", 0.0)
    calm = "acceleration error heights/s^2"
    shown = {row.name: row.values for row in rows if row.name.endswith("(default)")}
    assert shown["one-euro (default)"][calm] < 0.5 * raw.values[calm]  # type: ignore[operator]
    assert 0 < shown["one-euro (default)"]["lag ms"] < 40  # type: ignore[operator]
    assert shown["fixed-lag (default)"][calm] < 0.2 * raw.values[calm]  # type: ignore[operator]
    assert shown["fixed-lag (default)"]["lag ms"] <= 4  # type: ignore[operator]
    by_cutoff = [
        row.values["lag ms"] for row in rows if row.name == "one-euro" and row.settings["beta"] == 0
    ]
    assert by_cutoff == sorted(by_cutoff, reverse=True)


@pytest.mark.parametrize("rate", ["0", "-5", "nan", "many", "50"])
def test_frame_rates_are_those_that_can_be_made(
    rate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("gt", "--fps", rate) == 2
    assert f"expected 1 to 25 frames per second, got '{rate}'" in capsys.readouterr().err


def test_options_name_every_section() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args([]).sections == list(SECTIONS)
