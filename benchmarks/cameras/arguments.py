"""The options of ``steadypose bench cameras``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("clip", type=Path, nargs="?", help="not needed with --simulate")
    parser.add_argument("--config", default="fast", help="[%(default)s]")
    parser.add_argument("--fps", type=float, default=30.0, help="[%(default)s]")
    parser.add_argument("--fast-fps", type=float, default=60.0, help="[%(default)s]")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a round [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--simulate", type=float, metavar="MS", help="in simulated time")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
