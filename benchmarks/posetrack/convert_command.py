"""``steadypose convert``: files of one PoseTrack format as those of another."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "convert",
        help="check PoseTrack files and convert them between formats",
        description="Read PoseTrack 2017, 2018 or PoseTrack21 files, check every field, and write "
        "them in another format.",
    )
    parser.add_argument("source", type=Path, help="folder of .json files, or one file")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="else check only")
    parser.add_argument(
        "--to",
        choices=("posetrack17", "posetrack18", "coco"),
        default="posetrack18",
        help="posetrack18 is PoseTrack21's too; coco is keypoint results [%(default)s]",
    )
    parser.add_argument(
        "--renumber", action="store_true", help="number the ids of each clip from 1"
    )
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Convert and print what was written; exit code 0. Raises InputError, OutputError."""
    code: int = import_module("steadypose.benchmarks.posetrack.convert").run(options)
    return code
