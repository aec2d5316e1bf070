"""The options of ``steadypose bench profile``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--config", nargs="+", default=["fast", "balanced"], help="[%(default)s]")
    parser.add_argument("--refiner", choices=("on", "off"), default="off", help="[%(default)s]")
    parser.add_argument(
        "--threads", type=int, default=0, metavar="N", help="of a network's call; 0 all [0]"
    )
    parser.add_argument("--frames", type=positive, default=100, metavar="N", help="[%(default)s]")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="[%(default)s]")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
