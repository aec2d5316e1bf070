"""The options that name labelled pictures, for training and for calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steadypose.engines.refiner.data.options import add_sources


def add_data(group: Any, *, estimates_needed: bool) -> None:
    """Add the options of data sets, and the one of what was found on their pictures."""
    add_sources(group)
    group.add_argument(
        "--estimates",
        type=Path,
        required=estimates_needed,
        metavar="FILE",
        help="base estimators' results on these pictures; made where there is no such file",
    )
