"""``steadypose bench``: the measurements as sub-commands.

The command line finds this by the entry point ``bench`` of the group ``steadypose.commands``, so
that nothing below knows of the measurements. A measurement is imported when it runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from steadypose.benchmarks.engines.arguments import add_arguments as add_engines
from steadypose.benchmarks.refiner.arguments import add_arguments as add_refiner
from steadypose.benchmarks.trackers.arguments import add_arguments as add_trackers
from steadypose.errors import SteadyposeError


def _add_accuracy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("annotations", type=Path, help="COCO person_keypoints JSON")
    parser.add_argument("images", type=Path, help="folder of its pictures")
    parser.add_argument("--runtime", default="onnxruntime")
    parser.add_argument("--device", default="cpu", help="cpu, auto, cuda or cuda:N [%(default)s]")
    parser.add_argument("--estimators", nargs="*", default=["movenet-thunder", "movenet-lightning"])
    parser.add_argument("--detectors", nargs="*", default=["picodet-s-416", "picodet-s"])


def _add_throughput(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--config", nargs="*", default=["fast", "balanced"])
    parser.add_argument("--save-video", action="store_true")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")


_Add = Callable[[argparse.ArgumentParser], None]
BENCHES: dict[str, tuple[str, _Add, str]] = {
    "refiner": (
        "steadypose.benchmarks.refiner.run",
        add_refiner,
        "poses without and with a trained refiner",
    ),
    "engines": (
        "steadypose.benchmarks.engines.run",
        add_engines,
        "networks in every run time at hand: time, copies, distance to FP32",
    ),
    "trackers": (
        "steadypose.benchmarks.trackers.run",
        add_trackers,
        "who keeps the ids under noise: Steadypose and its peers, fed the same",
    ),
    "accuracy": (
        "steadypose.benchmarks.accuracy",
        _add_accuracy,
        "COCO keypoint AP of detectors and estimators",
    ),
    "throughput": (
        "steadypose.benchmarks.throughput",
        _add_throughput,
        "frames/s and memory of the whole track command",
    ),
}
"""By name: the module with ``run(options) -> int``, what adds its options, what it measures."""


def add_parser(commands: Any) -> None:
    """Add ``bench`` and its measurements to the command line."""
    parser = commands.add_parser("bench", help="measure accuracy and speed")
    actions = parser.add_subparsers(title="measurements", metavar="WHAT", required=True)
    for name, (_, add_arguments, text) in BENCHES.items():
        bench = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        add_arguments(bench)
        bench.set_defaults(run=run, parser=bench, bench=name)


def run(options: argparse.Namespace) -> int:
    """Import the measurement that was asked for and run it; its exit code."""
    code: int = import_module(BENCHES[options.bench][0]).run(options)
    return code


def run_alone(name: str, arguments: Sequence[str] | None = None) -> None:
    """Run one measurement as a program of its own; ends the process when it fails."""
    _, add_arguments, text = BENCHES[name]
    parser = argparse.ArgumentParser(description=text[0].upper() + text[1:] + ".")
    add_arguments(parser)
    parser.set_defaults(bench=name)
    try:
        code = run(parser.parse_args(arguments))
    except SteadyposeError as error:
        print(f"steadypose: {error}", file=sys.stderr)
        code = error.exit_code
    sys.exit(code)
