from __future__ import annotations

import argparse
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from steadypose.benchmarks import command
from steadypose.stream.cli.main import build_parser, main

ROOT = Path(__file__).resolve().parents[2]

needs_entry_point = pytest.mark.skipif(
    not distribution("steadypose").entry_points.select(group="steadypose.commands"),
    reason="installed before there were further commands: run pip install -e . --no-deps",
)


@needs_entry_point
def test_the_command_line_offers_every_measurement() -> None:
    parser = build_parser()
    clip = parser.parse_args(["bench", "throughput", "clip.mp4"])
    assert (clip.bench, clip.config) == ("throughput", ["fast", "balanced"])
    assert parser.parse_args(["bench", "accuracy", "a.json", "images"]).images == Path("images")
    refiner = parser.parse_args(["bench", "refiner", "r.onnx", "--sections", "ap", "--limit", "3"])
    assert (refiner.sections, refiner.limit) == (["ap"], 3)


@needs_entry_point
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_counts_are_above_0(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args(["bench", "refiner", "r.onnx", "--limit", value])
    assert stop.value.code == 2
    assert f"above 0, got '{value}'" in capsys.readouterr().err


def test_other_commands_load_no_measurement() -> None:
    code = (
        "import sys; from steadypose.stream.cli.main import main;"
        "main(['models', 'path', 'no-such-model']);"
        "print([n for n in sys.modules if n.startswith('steadypose.benchmarks')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@needs_entry_point
def test_an_unknown_command_is_compared_with_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["benhc"])
    assert "did you mean 'bench'" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(command.BENCHES))
def test_every_measurement_runs_alone(name: str) -> None:
    module = name.replace("-", "_")
    done = subprocess.run(
        [sys.executable, "-m", f"steadypose.benchmarks.{module}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


def test_a_measurement_that_fails_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        command.run_alone("refiner", ["no-such-refiner"])
    assert stop.value.code == 2
    assert "no-such-refiner" in capsys.readouterr().err


def test_options_reach_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    from steadypose.benchmarks.accuracy import run as accuracy

    seen: list[argparse.Namespace] = []

    def run(options: argparse.Namespace) -> int:
        seen.append(options)
        return 3

    monkeypatch.setattr(accuracy, "run", run)
    with pytest.raises(SystemExit) as stop:
        command.run_alone("accuracy", ["a.json", "images", "--detectors", "d"])
    assert stop.value.code == 3
    assert seen[0].detectors == ["d"]
