"""``steadypose evaluate``: predictions against ground truth."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "evaluate",
        help="score PoseTrack predictions: AP, MOTA, keypoint HOTA, boxes",
        description="Score predictions against ground truth in the formats of PoseTrack 2017, "
        "2018, PoseTrack21 and COCO results.",
    )
    parser.add_argument("--gt", required=True, type=Path, help="folder of annotations, or a file")
    parser.add_argument(
        "--pred", required=True, type=Path, help="folder of files of the same names, or a file"
    )
    parser.add_argument(
        "--metric", default="ap,mota,hota", metavar="M,...", help="any of ap,mota,hota,box"
    )
    parser.add_argument(
        "--protocol",
        choices=("official", "fixed", "both"),
        default="official",
        help="official: as the official tools, quirks included; fixed: without them [%(default)s]",
    )
    parser.add_argument("--sequences", metavar="NAME,...", help="only these, in this order")
    parser.add_argument(
        "--order",
        choices=("folder", "name"),
        default="folder",
        help="of all sequences: as the folder lists them, as poseval does, or by name; it decides "
        "between equal scores in AP of the official protocol [%(default)s]",
    )
    parser.add_argument(
        "--keypoints",
        choices=("posetrack17", "coco17"),
        default="posetrack17",
        help="joints of COCO results [%(default)s]",
    )
    parser.add_argument("--train-gt", type=Path, help="training annotations to find thresholds on")
    parser.add_argument("--train-pred", type=Path, help="predictions for --train-gt")
    parser.add_argument(
        "--mota-threshold", type=float, metavar="T", help="instead: least joint score for MOTA"
    )
    parser.add_argument("--per-sequence", action="store_true", help="print every sequence too")
    parser.add_argument("--json", type=Path, metavar="F", help="write all scores to this file")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Evaluate and print; exit code 0. Raises InputError, OutputError."""
    code: int = import_module("steadypose.benchmarks.posetrack.evaluate").run(options)
    return code
