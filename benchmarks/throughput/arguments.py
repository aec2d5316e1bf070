"""The options of ``steadypose bench throughput``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--config", nargs="*", default=["fast", "balanced"])
    parser.add_argument("--save-video", action="store_true")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
