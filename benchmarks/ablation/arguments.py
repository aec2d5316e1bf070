"""The options of ``steadypose bench ablation``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from steadypose.stream.cli.options import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--config", nargs="+", default=["balanced"], help="[%(default)s]")
    parser.add_argument("--frames", type=positive, default=100, metavar="N", help="[%(default)s]")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="[%(default)s]")
    parser.add_argument("--device", default="cpu", help="cpu, auto, cuda or cuda:N [%(default)s]")
    parser.add_argument(
        "--only", nargs="+", metavar="VARIANT", help="variants beside the whole pipeline [all]"
    )
    parser.add_argument("--truth", type=Path, metavar="FILE", help="MOTChallenge boxes of the clip")
    parser.add_argument("--json", type=Path, help="append the records to this file, a line each")
