"""Runs networks over people and keeps what they found, so that each runs once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from steadypose.benchmarks.refiner.networks import Base, Image, Joints, RefinerFile
from steadypose.benchmarks.refiner.people import Rows
from steadypose.engines.refiner.data.records import JOINTS
from steadypose.engines.refiner.data.store import PictureStore
from steadypose.errors import OutputError

_AT_ONCE = 8


class Workbench:
    """The networks of one benchmark.

    Args:
        refiner: What is measured.
        bases: What it is measured with.
        cache: Folder in which the bases' results are kept for other benchmarks.
        quiet: No progress.
    """

    def __init__(
        self,
        refiner: RefinerFile,
        bases: list[Base],
        cache: Path | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        self.refiner, self.bases = refiner, bases
        self._cache, self._quiet = cache, quiet
        self._kept: dict[str, Joints] = {}
        self._store = PictureStore()

    def estimate(self, base: Base, rows: Rows) -> Joints:
        """``(P, 19, 3)`` of a base estimator, in picture pixels; not to be written to."""
        key = _key(base.name, base.sha256, rows)
        if key not in self._kept:
            self._kept[key] = self._estimate(key, base, rows)
        return self._kept[key]

    def refined(self, base: Base, rows: Rows) -> Joints:
        """``(P, 19, 3)`` of the refiner on the base's results, without a prior."""
        key = "refined " + _key(base.name, base.sha256, rows)
        if key not in self._kept:
            self._kept[key] = self.refine(rows, self.estimate(base, rows))
        return self._kept[key]

    def refine(self, rows: Rows, pose: Joints, prior: Joints | None = None) -> Joints:
        """``(P, 19, 3)`` of the refiner on any poses and priors, in picture pixels."""

        def run(images: list[Image], part: slice) -> Joints:
            told = None if prior is None else prior[part]
            return self.refiner.refine(images, rows.boxes[part], pose[part], told)

        return self._in_parts("refine", rows, run)

    def images(self, rows: Rows) -> Iterator[Image]:
        """The picture of each row."""
        for path in rows.paths:
            yield self._store.read(path)

    def _estimate(self, key: str, base: Base, rows: Rows) -> Joints:
        file = self._cache / f"{key}.npy" if self._cache else None
        if file is not None and file.is_file():
            return np.asarray(np.load(file, allow_pickle=False), np.float32)

        def run(images: list[Image], part: slice) -> Joints:
            return base.estimate(images, rows.boxes[part])

        found = self._in_parts(base.name, rows, run)
        if file is not None:
            _save(file, found)
        return found

    def _in_parts(
        self, name: str, rows: Rows, run: Callable[[list[Image], slice], Joints]
    ) -> Joints:
        found = np.zeros((len(rows), JOINTS, 3), np.float32)
        hidden = True if self._quiet else None
        with tqdm(total=len(rows), desc=name, unit="person", leave=False, disable=hidden) as bar:
            for first in range(0, len(rows), _AT_ONCE):
                part = slice(first, min(first + _AT_ONCE, len(rows)))
                images = [self._store.read(path) for path in rows.paths[part]]
                found[part] = run(images, part)
                bar.update(len(images))
        return found


def _key(name: str, sha256: str, rows: Rows) -> str:
    """Digest of everything that a base's result depends on."""
    digest = hashlib.sha256(f"{name} {sha256}".encode())
    names = [f"{path.name} {path.stat().st_size}" for path in rows.paths]
    digest.update("\n".join(names).encode())
    digest.update(np.ascontiguousarray(rows.boxes).tobytes())
    return digest.hexdigest()[:32]


def _save(file: Path, found: NDArray[np.float32]) -> None:
    part = file.with_name(file.name + ".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            np.save(stream, found)
        part.replace(file)
    except OSError as error:
        raise OutputError(f"{file}: cannot be written: {error.strerror}") from error
