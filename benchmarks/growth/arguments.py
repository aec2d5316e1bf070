"""The options of ``steadypose bench growth``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("clip", type=Path, help="shows the people who are cut out and pasted")
    parser.add_argument("--config", nargs="+", default=["fast", "balanced"], help="[%(default)s]")
    parser.add_argument("--refiner", choices=("on", "off"), default="on", help="[%(default)s]")
    parser.add_argument(
        "--people", nargs="+", type=positive, default=[1, 2, 4, 6, 8, 10, 15, 20, 25, 30],
        metavar="N", help="in a frame, at most 30 [%(default)s]",
    )  # fmt: skip
    parser.add_argument("--frames", type=positive, default=16, metavar="N", help="[%(default)s]")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="[%(default)s]")
    parser.add_argument("--device", default="cpu", help="cpu, auto, cuda or cuda:N [%(default)s]")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
