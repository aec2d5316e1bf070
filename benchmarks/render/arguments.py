"""The options of ``steadypose bench render``; imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

TABLES = Path("benchmarks/results/tables.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE",
        help="records (.jsonl), printed as tables; or documents (.md), whose marked parts are "
        "written anew",
    )  # fmt: skip
    parser.add_argument(
        "--tables", type=Path, default=TABLES, metavar="YAML", help="what is shown [%(default)s]"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 where a document differs"
    )
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write every plot as SVG")
