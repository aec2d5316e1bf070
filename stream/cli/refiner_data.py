"""The options that name labelled pictures, for training and for calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add_data(group: Any, *, estimates_needed: bool) -> None:
    """Add the options; ``engines.refiner.data.gather`` reads those that name data sets."""
    group.add_argument("--coco", nargs=2, type=Path, metavar=("JSON", "IMAGES"))
    group.add_argument("--lsp", type=Path, metavar="DIR", help="LSP or LSPet")
    group.add_argument(
        "--mpii",
        nargs=2,
        type=Path,
        metavar=("JSON", "IMAGES"),
        help="list of people with joints and joints_vis, as train.json of MPII has them",
    )
    group.add_argument(
        "--posetrack",
        nargs=2,
        type=Path,
        metavar=("JSONDIR", "ROOT"),
        help="annotation files of PoseTrack 2018, and what their picture paths start from",
    )
    group.add_argument(
        "--estimates",
        type=Path,
        required=estimates_needed,
        metavar="FILE",
        help="base estimators' results on these pictures; made where there is no such file",
    )
