"""The options of ``steadypose bench following``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--config", nargs="*", default=["fast", "balanced"])
    parser.add_argument("--refiner", choices=("on", "off"), default="on", help="[%(default)s]")
    parser.add_argument("--frames", type=positive, default=200, metavar="N", help="[%(default)s]")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="[%(default)s]")
    parser.add_argument("--hold", type=int, metavar="N", help="estimator.hold [the preset's]")
    parser.add_argument("--hold-oks", type=float, metavar="T", help="estimator.hold_oks")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="MOTChallenge boxes of the clip")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
