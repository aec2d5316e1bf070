"""The file that holds base estimators' results for the people of a set of pictures."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.records import JOINTS, Person, Picture
from steadypose.errors import InputError, OutputError

TEACHER = "teacher"
"""Name of the estimate that labels are fused with: Thunder's median over all its views."""
MIRRORED = "mirrored"
"""Last word of the name of a pass over mirror images, which only the teacher uses."""
_TEACHES = "thunder"

_BOX_TOLERANCE_PX = 0.1


@dataclass(kw_only=True, eq=False)
class Cache:
    """Results by name for P people, and how far each has come.

    Attributes:
        path: The ``.npz`` file.
        names: ``(P,)`` names of the people: source, picture, row.
        boxes: ``(P, 4)`` float32 their boxes.
        results: By estimate's name ``(P, 19, 3)`` float32.
        keys: By estimate's name what it was made with.
        done: By estimate's name how many people, from the first, are done.
    """

    path: Path
    names: NDArray[np.str_]
    boxes: NDArray[np.float32]
    results: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open_for(cls, path: Path, pictures: Sequence[Picture]) -> Cache:
        """The file's content, or an empty cache for these pictures where there is no file.

        Raises:
            InputError: The file cannot be read or holds other people or boxes.
        """
        names, boxes = _people(pictures)
        if not path.exists():
            return cls(path=path, names=names, boxes=boxes)
        cache = cls.load(path)
        if not np.array_equal(cache.names, names) or not _same(cache.boxes, boxes):
            raise InputError(f"{path}: holds results of other people or boxes; name another file")
        return cache

    @classmethod
    def load(cls, path: Path) -> Cache:
        """Read a file. Raises InputError if it is no such file."""
        try:
            with np.load(path, allow_pickle=False) as content:
                cache = cls(path=path, names=content["names"], boxes=content["boxes"])
                rows = zip(content["estimates"], content["keys"], content["done"], strict=True)
                for i, (name, key, done) in enumerate(rows):
                    cache.results[str(name)] = content[f"result{i}"]
                    cache.keys[str(name)], cache.done[str(name)] = str(key), int(done)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: not a file of estimates: {error}") from error
        return cache

    @property
    def unfinished(self) -> list[str]:
        """Names of the estimates that do not have everybody yet."""
        return [name for name, done in self.done.items() if done < len(self.names)]

    def save(self) -> None:
        """Write everything, whole or not at all. Raises OutputError if it cannot."""
        arrays: dict[str, Any] = {f"result{i}": r for i, r in enumerate(self.results.values())}
        arrays["names"], arrays["boxes"] = self.names, self.boxes
        arrays["estimates"] = np.array(list(self.results), np.str_)
        arrays["keys"] = np.array([self.keys[n] for n in self.results], np.str_)
        arrays["done"] = np.array([self.done[n] for n in self.results], np.int64)
        part = self.path.with_name(self.path.name + ".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(file, **arrays)
            part.replace(self.path)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}") from error

    def begin(self, name: str, key: str) -> tuple[NDArray[np.float32], int]:
        """Array ``(P, 19, 3)`` to fill under a name, and how many people in it are done."""
        if self.keys.get(name) != key:
            self.results[name] = np.zeros((len(self.names), JOINTS, 3), np.float32)
            self.keys[name], self.done[name] = key, 0
        return self.results[name], self.done[name]

    def finished(self, name: str, count: int) -> None:
        """Note that the first ``count`` people are done."""
        self.done[name] = count

    def attach(self, pictures: Sequence[Picture]) -> list[Picture]:
        """The pictures with each labelled person's estimates, the teacher's among them.

        Raises:
            InputError: A person is not in the file, has another box, or a pass is unfinished.
        """
        if self.unfinished:
            raise InputError(f"{self.path}: unfinished: {', '.join(self.unfinished)}; run it again")
        rows = {str(name): row for row, name in enumerate(self.names)}
        results = {n: r for n, r in self.results.items() if not n.endswith(MIRRORED)}
        if len(results) < len(self.results):
            views = [r for n, r in self.results.items() if n.split()[0] == _TEACHES]
            results[TEACHER] = np.median(views, axis=0).astype(np.float32)
        return [
            replace(
                p, persons=tuple(self._with(p, i, rows, results) for i in range(len(p.persons)))
            )
            for p in pictures
        ]

    def _with(
        self,
        picture: Picture,
        index: int,
        rows: dict[str, int],
        results: dict[str, NDArray[np.float32]],
    ) -> Person:
        person = picture.persons[index]
        if not person.labelled.any():
            return person
        name = person_name(picture, index)
        row = rows.get(name)
        if row is None or not _same(self.boxes[row], person.box):
            raise InputError(f"{self.path}: no estimates for {name} and its box; make it anew")
        return replace(person, estimates={n: result[row] for n, result in results.items()})


def person_name(picture: Picture, row: int) -> str:
    """Name of a person that is the same on every machine."""
    return f"{picture.source}/{picture.key}#{row}"


def labelled_rows(picture: Picture) -> list[int]:
    """Which people of a picture are estimated: those with a labelled joint."""
    return [row for row, person in enumerate(picture.persons) if person.labelled.any()]


def _people(pictures: Sequence[Picture]) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    every = [(p, row) for p in pictures for row in labelled_rows(p)]
    names = np.array([person_name(p, row) for p, row in every], np.str_)
    return names, np.array([p.persons[row].box for p, row in every], np.float32).reshape(-1, 4)


def _same(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.shape == b.shape and bool((np.abs(a - b) < _BOX_TOLERANCE_PX).all())
