"""Groups of pictures that show nearly the same, which must lie on one side of a split.

``python -m steadypose.engines.refiner.data.near_duplicates FOLDER`` lists the pairs of a folder of
pictures in the form of ``neardup_pairs.txt``: two names a line.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError

LISTED = Path(__file__).parent / "lspet_near_duplicates.txt"
"""Pairs found in LSPet, part of the package so that everybody has the same test pictures."""

_SIDE = 16
_BLUR_SIGMA = 3.0
_ALIKE = 0.72
_BLOCK = 1024


def listed_pairs(folder: Path) -> list[tuple[str, str]]:
    """Pairs of names without suffix: the package's list and the folder's ``neardup_pairs.txt``."""
    pairs = read_pairs(LISTED)
    own = folder / "neardup_pairs.txt"
    return pairs + (read_pairs(own) if own.is_file() else [])


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Pairs of picture names, one a line, without suffix. Raises InputError on another form."""
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#")[0].replace(",", " ").split()
        if not words:
            continue
        if len(words) < 2:
            raise InputError(f"{path}: line {number}: expected two names of pictures")
        pairs.append((Path(words[0]).stem, Path(words[1]).stem))
    return pairs


def groups_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Group of each name that occurs: the first name, in order, of all that hang together."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for a, b in pairs:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    return {name: root(name) for name in parent}


def find_pairs(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Pairs of pictures that look alike, or of which one looks like the other's mirror image.

    What is compared is a 16 x 16 thumbnail in colour: the mean of two correlations, of the
    thumbnails and of what is left of them without their broad layout of light, must exceed 0.72.
    That also pairs a few people who leap before the same sky, which does no harm in a split.

    Raises:
        InputError: A file is not a picture.
    """
    thumbs = np.stack([_thumbnail(path) for path in paths])
    plain, mirrored = _features(thumbs), _features(thumbs[:, :, ::-1])
    pairs = []
    for start in range(0, len(plain), _BLOCK):
        rows = plain[start : start + _BLOCK]
        alike = np.maximum(rows @ plain.T, rows @ mirrored.T) > _ALIKE
        for row, column in np.argwhere(alike):
            if start + row < column:
                pairs.append((paths[start + row].stem, paths[column].stem))
    return pairs


def _thumbnail(path: Path) -> NDArray[np.float32]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{path}: not a picture that OpenCV can read")
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def _features(thumbs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows ``(N, D)`` whose products are the mean of the two correlations."""
    broad = np.stack([cv2.GaussianBlur(thumb, (0, 0), _BLUR_SIGMA) for thumb in thumbs])
    parts = [_unit(thumbs), _unit(thumbs - broad)]
    return np.concatenate(parts, 1) * np.float32(np.sqrt(0.5))


def _unit(images: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the pairs of a folder."""
    parser = argparse.ArgumentParser(description="List nearly equal pictures of a folder.")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    for first, second in find_pairs(sorted(given.folder.glob("*.jpg"))):
        print(first, second)


if __name__ == "__main__":
    main()
