"""The options of ``steadypose bench trackers``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive

SECTIONS = {
    "identity": "who keeps the ids, on videos held out",
    "cost": "milliseconds a frame on one core, 1 to 400 people",
    "smoothness": "lag against acceleration error of the smoothers, on simulated walks",
}
"""Names of the parts that can be asked for, and what they measure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    _add_data(parser)
    _add_scope(parser)
    _add_tuning(parser)
    out = parser.add_argument_group("output")
    out.add_argument("--json", type=Path, metavar="FILE", help="append a line for each row")
    out.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    out.add_argument("--by-video", action="store_true", help="print the switches of each video")


def _frame_rate(text: str) -> float:
    """Frames per second, 1 to 25: those of the annotations are left out, none are made up."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 25:
        raise argparse.ArgumentTypeError(f"expected 1 to 25 frames per second, got '{text}'")
    return value


def _add_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("what is observed")
    data.add_argument(
        "annotations",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="PoseTrack 2018 or 2017 annotations, a .json a video [default: "
        "bonn_posetrack/gt18 in STEADYPOSE_DATA]",
    )
    data.add_argument(
        "--fps", nargs="+", type=_frame_rate, default=[25, 12, 6], metavar="F",
        help="frames per second, made of the annotated 25 [default: 25 12 6]",
    )  # fmt: skip
    data.add_argument(
        "--repeats", type=positive, default=3, metavar="N",
        help="times that each video is observed, with other noise [%(default)s]",
    )  # fmt: skip
    data.add_argument("--limit", type=positive, metavar="N", help="videos of each split")
    data.add_argument("--seed", type=int, default=0, help="of noise and resamples [0]")
    data.add_argument(
        "--tuning", action="store_true", help="measure on the tuning videos, to look into them"
    )


def _add_scope(parser: argparse.ArgumentParser) -> None:
    scope = parser.add_argument_group("what is measured")
    scope.add_argument(
        "--sections", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), metavar="S",
        help="; ".join(f"{name}: {text}" for name, text in SECTIONS.items()) + " [default: all]",
    )  # fmt: skip
    scope.add_argument(
        "--config", default="balanced", metavar="P",
        help="preset or .yaml file whose 'tracker' settings are measured [%(default)s]",
    )  # fmt: skip
    scope.add_argument(
        "--peers",
        type=Path,
        metavar="DIR",
        help="environments made by benchmarks/trackers/make_peers.sh; without it Steadypose is "
        "measured beside plain SORT alone",
    )
    scope.add_argument("--only", nargs="+", metavar="T", help="names of the trackers to measure")
    scope.add_argument(
        "--crowds", nargs="+", type=positive, metavar="N",
        help="numbers of people whose cost is measured [default: 1 to 400]",
    )  # fmt: skip
    scope.add_argument(
        "--rounds", type=positive, default=3, metavar="N", help="of the cost [%(default)s]"
    )
    scope.add_argument("--resamples", type=positive, default=500, metavar="N", help="[%(default)s]")


def _add_tuning(parser: argparse.ArgumentParser) -> None:
    tuning = parser.add_argument_group(
        "tuning",
        "Search the tracker's settings at random on the tuning videos; measures nothing else.",
    )
    tuning.add_argument("--tune", type=positive, metavar="N", help="trials in the log in the end")
    tuning.add_argument(
        "--tune-log", type=Path, default=Path("tuning.jsonl"), metavar="FILE",
        help="a line each trial; a search goes on from it [%(default)s]",
    )  # fmt: skip
