"""``steadypose posetrack``: the benchmark as a sub-command."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

from steadypose.configs import preset_names


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "posetrack",
        help="track a PoseTrack tree, write the submission, evaluate it",
        description="Run the pipeline over the sequences of a PoseTrack tree with the base "
        "estimator, refined, and refined with the prior; write submissions for the official "
        "server, evaluate them, and write a report. Finished sequences are not done again.",
    )
    parser.add_argument("root", type=Path, metavar="ROOT", help="folder that holds images/")
    parser.add_argument("--split", default="val", help="[default %(default)s]")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("steadypose-posetrack"),
        metavar="DIR",
        help="[default %(default)s]",
    )
    parser.add_argument(
        "--config",
        default="balanced",
        metavar="P",
        help=f"preset ({', '.join(preset_names())}) or .yaml file [default %(default)s]",
    )
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--variants",
        default="base,refined,refined+prior",
        metavar="V,...",
        help="what is compared [default %(default)s]",
    )
    parser.add_argument(
        "--boxes",
        choices=("detector", "gt"),
        default="detector",
        help="look for people where the detector or the annotations say [default %(default)s]",
    )
    parser.add_argument("--sequences", metavar="NAME,...", help="only these")
    parser.add_argument(
        "--fps", type=float, default=25.0, help="of all videos [default %(default)s]"
    )
    parser.add_argument(
        "--train-split",
        default="train",
        metavar="S",
        help="where the thresholds are found, if the tree has it [default %(default)s]",
    )
    parser.add_argument(
        "--train-sequences",
        type=int,
        default=20,
        metavar="N",
        help="so many of them, evenly chosen; 0: none [default %(default)s]",
    )
    parser.add_argument(
        "--protocol",
        choices=("official", "fixed", "both"),
        default="official",
        help="by whose rules [default %(default)s]",
    )
    parser.add_argument("--check", action="store_true", help="check the tree and do no more")
    parser.add_argument("--quiet", action="store_true", help="no progress, no tables")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Run the benchmark; its exit code."""
    code: int = import_module("steadypose.benchmarks.posetrack.benchmark").run(options)
    return code
