"""The options that name data sets; imports nothing heavy, as the command line reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add_sources(group: Any) -> None:
    """Add them to a parser or a group of it; ``gather.gather`` reads them."""
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
