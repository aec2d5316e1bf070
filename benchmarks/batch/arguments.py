"""The options of ``steadypose bench batch``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("what", choices=("resume", "scaling", "sharing", "seams"))
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--config", default="fast")
    parser.add_argument("--jobs", type=int, default=4, help="workers [%(default)s]")
    parser.add_argument("--clips", type=int, default=40, help="clips to cut [%(default)s]")
    parser.add_argument("--frames", type=int, default=12, help="least frames of one [%(default)s]")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--rounds", type=int, default=3, help="of scaling [%(default)s]")
    parser.add_argument("--seconds", type=float, default=600.0, help="of the long video")
    parser.add_argument(
        "--split", type=float, nargs="+", default=[60.0], metavar="S", help="seconds of a part"
    )
    parser.add_argument("--share", type=positive, nargs="+", default=[2, 4], metavar="N")
    parser.add_argument("--device", default="cpu", help="of sharing [%(default)s]")
    parser.add_argument("--overlap", type=float, default=3.0, help="what batch takes by default")
    parser.add_argument("--save-video", action="store_true")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
