"""``steadypose bench``: the measurements as sub-commands.

The command line finds this by the entry point ``bench`` of the group ``steadypose.commands``, so
that nothing below knows of the measurements. A measurement is imported when it runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from steadypose.benchmarks.ablation.arguments import add_arguments as add_ablation
from steadypose.benchmarks.accuracy.arguments import add_arguments as add_accuracy
from steadypose.benchmarks.batch.arguments import add_arguments as add_batch
from steadypose.benchmarks.cameras.arguments import add_arguments as add_cameras
from steadypose.benchmarks.engines.arguments import add_arguments as add_engines
from steadypose.benchmarks.following.arguments import add_arguments as add_following
from steadypose.benchmarks.growth.arguments import add_arguments as add_growth
from steadypose.benchmarks.latency.arguments import add_arguments as add_latency
from steadypose.benchmarks.peers.arguments import add_arguments as add_peers
from steadypose.benchmarks.posetrack.speed_arguments import add_arguments as add_posetrack
from steadypose.benchmarks.profile.arguments import add_arguments as add_profile
from steadypose.benchmarks.records import told_command
from steadypose.benchmarks.refiner.arguments import add_arguments as add_refiner
from steadypose.benchmarks.render.arguments import add_arguments as add_render
from steadypose.benchmarks.throughput.arguments import add_arguments as add_throughput
from steadypose.benchmarks.trackers.arguments import add_arguments as add_trackers
from steadypose.errors import SteadyposeError

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
    "peers": (
        "steadypose.benchmarks.peers.run",
        add_peers,
        "Steadypose beside what a user would take instead: speed, memory, accuracy, identity",
    ),
    "accuracy": (
        "steadypose.benchmarks.accuracy.run",
        add_accuracy,
        "COCO keypoint AP of detectors and estimators",
    ),
    "latency": (
        "steadypose.benchmarks.latency.run",
        add_latency,
        "age of live results, to the frame, from a camera that writes the time in its pictures",
    ),
    "batch": (
        "steadypose.benchmarks.batch.run",
        add_batch,
        "many videos: killed and resumed, speed by jobs, a long video in parts",
    ),
    "posetrack": (
        "steadypose.benchmarks.posetrack.speed",
        add_posetrack,
        "time and memory of PoseTrack evaluation, against motmetrics",
    ),
    "throughput": (
        "steadypose.benchmarks.throughput.run",
        add_throughput,
        "frames/s and memory of the whole track command",
    ),
    "profile": (
        "steadypose.benchmarks.profile.run",
        add_profile,
        "where a frame's time goes, beside what this machine could do at most",
    ),
    "ablation": (
        "steadypose.benchmarks.ablation.run",
        add_ablation,
        "what each part of the pipeline costs and is worth, by leaving it out",
    ),
    "growth": (
        "steadypose.benchmarks.growth.run",
        add_growth,
        "time of a frame by the number of people in it",
    ),
    "render": (
        "steadypose.benchmarks.render.run",
        add_render,
        "records as tables and plots, and the marked parts of documents written anew",
    ),
    "cameras": (
        "steadypose.benchmarks.cameras.run",
        add_cameras,
        "what a dead and a fast camera do to the frame age of the others",
    ),
    "following": (
        "steadypose.benchmarks.following.run",
        add_following,
        "people followed by --estimate new against --estimate always, on video",
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
    given = getattr(options, "given", sys.argv[3:])
    options.told = told_command(options.bench, given)
    code: int = import_module(BENCHES[options.bench][0]).run(options)
    return code


def run_alone(name: str, arguments: Sequence[str] | None = None) -> None:
    """Run one measurement as a program of its own; ends the process when it fails."""
    _, add_arguments, text = BENCHES[name]
    parser = argparse.ArgumentParser(description=text[0].upper() + text[1:] + ".")
    add_arguments(parser)
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser.set_defaults(bench=name, given=given)
    try:
        code = run(parser.parse_args(given))
    except SteadyposeError as error:
        print(f"steadypose: {error}", file=sys.stderr)
        code = error.exit_code
    sys.exit(code)
