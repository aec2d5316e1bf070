"""The options of ``steadypose bench peers``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive

SECTIONS = {
    "install": "disk space and time of installing, as make_peers.sh noted them",
    "speed": "the whole programme over each CLIP, from its start to its exit",
    "crowd": "milliseconds a frame against people, pasted into one picture",
    "accuracy": "COCO keypoint AP, boxes and poses of each system's own",
    "identity": "whose ids hold, on a clip with true boxes of some frames",
}
"""Names of the parts that can be asked for, and what they measure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="of section speed")
    parser.add_argument(
        "--peers",
        type=Path,
        metavar="DIR",
        help="environments made by benchmarks/peers/make_peers.sh",
    )
    parser.add_argument(
        "--sections", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), metavar="S",
        help="; ".join(f"{name}: {text}" for name, text in SECTIONS.items()) + " [default: all]",
    )  # fmt: skip
    parser.add_argument(
        "--config", nargs="*", default=["fast", "balanced"], metavar="P",
        help="presets or .yaml files of Steadypose [fast balanced]",
    )  # fmt: skip
    parser.add_argument("--only", nargs="+", metavar="NAME", help="systems, by a part of the name")
    parser.add_argument("--threads", type=positive, default=2, help="and cores [%(default)s]")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="[%(default)s]")
    parser.add_argument(
        "--limit", type=positive, default=600, metavar="S", help="seconds of a run [%(default)s]"
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--coco", nargs=2, type=Path, metavar=("JSON", "IMAGES"),
        help="pictures with keypoints [default: coco_mp in STEADYPOSE_DATA]",
    )  # fmt: skip
    data.add_argument(
        "--truth", nargs=2, type=Path, metavar=("CLIP", "BOXES"),
        help="clip of section identity and its true boxes in MOTChallenge's form [default: vtest "
        "in STEADYPOSE_DATA]",
    )  # fmt: skip
    data.add_argument(
        "--crowds", nargs="+", type=positive, default=[1, 2, 4, 8, 12, 20, 30], metavar="N",
        help="numbers of people of section crowd [1 2 4 8 12 20 30]",
    )  # fmt: skip
    data.add_argument(
        "--frames", type=positive, default=60, metavar="N", help="of a crowd's clip [%(default)s]"
    )
    out = parser.add_argument_group("output")
    out.add_argument("--json", type=Path, metavar="FILE", help="append a line for each row")
    out.add_argument(
        "--markdown", type=Path, metavar="FILE",
        help="write the tables of all rows of --json, between the marks if FILE has them; "
        "without --peers nothing is measured",
    )  # fmt: skip
