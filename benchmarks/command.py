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
from steadypose.benchmarks.peers.arguments import add_arguments as add_peers
from steadypose.benchmarks.refiner.arguments import add_arguments as add_refiner
from steadypose.benchmarks.trackers.arguments import add_arguments as add_trackers
from steadypose.errors import SteadyposeError
from steadypose.stream.cli.options import positive


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


def _add_cameras(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clip", type=Path, nargs="?", help="not needed with --simulate")
    parser.add_argument("--config", default="fast", help="[%(default)s]")
    parser.add_argument("--fps", type=float, default=30.0, help="[%(default)s]")
    parser.add_argument("--fast-fps", type=float, default=60.0, help="[%(default)s]")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a round [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--simulate", type=float, metavar="MS", help="in simulated time")


def _add_latency(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--transport", choices=("rtsp", "http", "mjpeg"), default="rtsp")
    parser.add_argument("--size", default="1280x720", help="pictures of the camera [%(default)s]")
    parser.add_argument("--fps", type=float, default=30.0, help="of the camera [%(default)s]")
    parser.add_argument("--seconds", type=float, default=60.0, help="to follow it [%(default)s]")
    parser.add_argument("--config", default="balanced", help="preset [%(default)s]")
    parser.add_argument(
        "--overload", action="store_true", help="preset accurate with the detector on every frame"
    )
    parser.add_argument(
        "--outages", action="store_true", help="how soon lost and silent cameras are back, instead"
    )
    parser.add_argument("--clip", type=Path, help="what the camera shows [demo-clip if fetched]")
    parser.add_argument("--json", type=Path, help="append the record to this file, a line each")


def _add_batch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("resume", "scaling", "seams"))
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--config", default="fast")
    parser.add_argument("--jobs", type=int, default=4, help="workers [%(default)s]")
    parser.add_argument("--clips", type=int, default=40, help="clips to cut [%(default)s]")
    parser.add_argument("--frames", type=int, default=12, help="least frames of one [%(default)s]")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--rounds", type=int, default=3, help="of scaling [%(default)s]")
    parser.add_argument("--seconds", type=float, default=600.0, help="of the long video")
    parser.add_argument("--split", type=float, default=60.0, help="seconds of a part")
    parser.add_argument("--overlap", type=float, default=3.0, help="what batch takes by default")
    parser.add_argument("--save-video", action="store_true")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")


def _add_posetrack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gt", required=True, type=Path, help="folder of annotations")
    parser.add_argument("--pred", required=True, type=Path, help="folder of predictions")
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turns [%(default)s]")
    parser.add_argument("--times", type=int, default=10, help="the larger set [%(default)s]")
    parser.add_argument("--json", type=Path, help="append the record to this file, a line")


def _add_following(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--config", nargs="*", default=["fast", "balanced"])
    parser.add_argument("--frames", type=positive, default=200, metavar="N", help="[%(default)s]")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="[%(default)s]")
    parser.add_argument("--hold", type=int, metavar="N", help="estimator.hold [the preset's]")
    parser.add_argument("--hold-oks", type=float, metavar="T", help="estimator.hold_oks")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="MOTChallenge boxes of the clip")
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
    "peers": (
        "steadypose.benchmarks.peers.run",
        add_peers,
        "Steadypose beside what a user would take instead: speed, memory, accuracy, identity",
    ),
    "accuracy": (
        "steadypose.benchmarks.accuracy",
        _add_accuracy,
        "COCO keypoint AP of detectors and estimators",
    ),
    "latency": (
        "steadypose.benchmarks.latency.run",
        _add_latency,
        "age of live results, to the frame, from a camera that writes the time in its pictures",
    ),
    "batch": (
        "steadypose.benchmarks.batch.run",
        _add_batch,
        "many videos: killed and resumed, speed by jobs, a long video in parts",
    ),
    "posetrack": (
        "steadypose.benchmarks.posetrack.speed",
        _add_posetrack,
        "time and memory of PoseTrack evaluation, against motmetrics",
    ),
    "throughput": (
        "steadypose.benchmarks.throughput",
        _add_throughput,
        "frames/s and memory of the whole track command",
    ),
    "cameras": (
        "steadypose.benchmarks.cameras",
        _add_cameras,
        "what a dead and a fast camera do to the frame age of the others",
    ),
    "following": (
        "steadypose.benchmarks.following",
        _add_following,
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
