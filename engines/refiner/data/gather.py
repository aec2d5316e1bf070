"""The pictures of every data set that the caller names, with their splits."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from steadypose.engines.refiner.data.coco import load_coco
from steadypose.engines.refiner.data.lsp import load_lsp
from steadypose.engines.refiner.data.mpii import load_mpii
from steadypose.engines.refiner.data.posetrack import load_posetrack
from steadypose.engines.refiner.data.records import Picture
from steadypose.engines.refiner.data.splits import assign_splits
from steadypose.errors import InputError


def load_pictures(
    *,
    lsp: Path | None = None,
    coco: tuple[Path, Path] | None = None,
    mpii: tuple[Path, Path] | None = None,
    posetrack: tuple[Path, Path] | None = None,
) -> list[Picture]:
    """Load the data sets named and assign the splits.

    Args:
        lsp: Folder of LSP or LSPet.
        coco: Annotation file and folder of pictures.
        mpii: The same of MPII.
        posetrack: Folder of annotation files and the folder their picture paths start from.

    Raises:
        InputError: None is named, or one cannot be used.
    """
    pictures: list[Picture] = []
    if lsp:
        pictures += load_lsp(lsp)
    if coco:
        pictures += load_coco(*coco)
    if mpii:
        pictures += load_mpii(*mpii)
    if posetrack:
        pictures += load_posetrack(*posetrack)
    if not pictures:
        raise InputError("no data set named: give --lsp, --coco, --mpii or --posetrack")
    return assign_splits(pictures)


def gather(given: argparse.Namespace) -> list[Picture]:
    """The pictures of the data sets named by the options of ``options.add_sources``."""
    return load_pictures(
        lsp=given.lsp,
        coco=_pair(given.coco),
        mpii=_pair(given.mpii),
        posetrack=_pair(given.posetrack),
    )


def _pair(paths: Sequence[Path] | None) -> tuple[Path, Path] | None:
    return (paths[0], paths[1]) if paths else None
