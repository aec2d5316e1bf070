"""The options of ``steadypose bench tracker-cost``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--people", nargs="+", type=positive, default=[1, 5, 10, 20, 50, 100, 200, 400],
        metavar="N", help="in each frame [%(default)s]",
    )  # fmt: skip
    parser.add_argument("--frames", type=positive, default=60, metavar="N", help="[%(default)s]")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
