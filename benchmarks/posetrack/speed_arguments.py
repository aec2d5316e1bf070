"""The options of ``steadypose bench posetrack``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--gt", required=True, type=Path, help="folder of annotations")
    parser.add_argument("--pred", required=True, type=Path, help="folder of predictions")
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turns [%(default)s]")
    parser.add_argument("--times", type=int, default=10, help="the larger set [%(default)s]")
    parser.add_argument("--json", type=Path, help="append the record to this file, a line")
