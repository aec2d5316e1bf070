"""The people of the test split, as arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.gather import load_pictures
from steadypose.engines.refiner.data.records import JOINTS, Person, Picture, Source, Split
from steadypose.engines.refiner.data.splits import unit_hash
from steadypose.errors import InputError
from steadypose.geometry import box_iou

OVERLAP_IOU = 0.05
"""A person whose box overlaps that of another labelled one by more is in a crowd."""
_CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """P boxes to estimate.

    Attributes:
        paths: The picture of each.
        boxes: ``(P, 4)`` float32 x1 y1 x2 y2.
    """

    paths: tuple[Path, ...]
    boxes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, kw_only=True, eq=False)
class People:
    """P people of a data set. Coordinates are pixels of the picture.

    Attributes:
        data: Name of the data set.
        rows: Their pictures and boxes.
        pictures: Name of each one's picture in its data set.
        truth: ``(P, 19, 2)`` float32.
        labelled: ``(P, 19)`` bool, the data set's own labels; all False for some.
        area: ``(P,)`` what OKS divides by, px^2.
        head: ``(P,)`` PCKh head length, px.
        groups: ``(P,)`` group of near-duplicates as a number.
        others: For each the other labelled people of the picture, ``(M, 19, 2)``.
        others_labelled: ``(M, 19)`` likewise.
        crowded: ``(P,)`` bool, whether the box overlaps another labelled person's.
        records: The loader's own record of each.
    """

    data: str
    rows: Rows
    pictures: tuple[str, ...]
    truth: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    area: NDArray[np.float64]
    head: NDArray[np.float64]
    groups: NDArray[np.intp]
    others: tuple[NDArray[np.float32], ...]
    others_labelled: tuple[NDArray[np.bool_], ...]
    crowded: NDArray[np.bool_]
    records: tuple[Person, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, picked: NDArray[np.intp]) -> People:
        """Some of the people, in the order given."""
        return replace(
            self,
            rows=Rows(
                paths=tuple(self.rows.paths[i] for i in picked), boxes=self.rows.boxes[picked]
            ),
            pictures=tuple(self.pictures[i] for i in picked),
            truth=self.truth[picked],
            labelled=self.labelled[picked],
            area=self.area[picked],
            head=self.head[picked],
            groups=self.groups[picked],
            others=tuple(self.others[i] for i in picked),
            others_labelled=tuple(self.others_labelled[i] for i in picked),
            crowded=self.crowded[picked],
            records=tuple(self.records[i] for i in picked),
        )

    def some(self, count: int, salt: str) -> People:
        """No more than ``count`` labelled people, always the same ones, spread over the set."""
        rows = np.flatnonzero(self.labelled.any(1))
        names = [f"{self.data}/{self.pictures[i]}/{i}" for i in rows]
        order = sorted(range(len(rows)), key=lambda i: unit_hash(salt, names[i]))
        return self.take(np.sort(rows[order[:count]]))


@dataclass(frozen=True, kw_only=True, eq=False)
class TestData:
    """What is measured on; a data set that was not named is None.

    Attributes:
        coco, lspet: The test split.
        chooser: COCO's validation split, on which the rule for a person's score is chosen.
        annotations: COCO's annotation file.
        validation: The validation split of every data set, with which INT8 is calibrated.
    """

    __test__ = False

    coco: People | None
    lspet: People | None
    chooser: People | None
    annotations: Path | None
    validation: tuple[People, ...] = ()

    @property
    def sets(self) -> list[People]:
        """The test people of every data set that there is."""
        return [people for people in (self.coco, self.lspet) if people is not None]


def load_test_data(
    data: Path | None, coco: Sequence[Path] | None, lsp: Path | None, limit: int | None
) -> TestData:
    """Load the test split.

    Args:
        data: Folder with ``coco_mp`` and ``lspet``; where nothing is named, that of the
            environment variable STEADYPOSE_DATA or the development data beside the checkout.
        coco: Annotation file and folder of pictures.
        lsp: Folder of LSP or LSPet.
        limit: No more than this many pictures of each set.

    Raises:
        InputError: There are no data, or they cannot be used.
    """
    if coco is None and lsp is None:
        folder = data or _default_folder()
        coco = (folder / "coco_mp" / "person_keypoints.json", folder / "coco_mp" / "images")
        lsp = folder / "lspet"
    given = None if coco is None else (coco[0], coco[1])
    pictures = load_pictures(lsp=lsp, coco=given)
    chooser = _people("COCO", pictures, "coco", "val", None)
    others = _people("LSPet", pictures, "lspet", "val", None)
    return TestData(
        coco=_people("COCO", pictures, "coco", "test", limit),
        lspet=_people("LSPet", pictures, "lspet", "test", limit),
        chooser=chooser,
        annotations=given[0] if given else None,
        validation=tuple(people for people in (chooser, others) if people is not None),
    )


def _default_folder() -> Path:
    named = os.environ.get("STEADYPOSE_DATA")
    folder = Path(named) if named else _CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        raise InputError("no test data: give --data, --coco or --lsp, or set STEADYPOSE_DATA")
    return folder


def _people(
    name: str, pictures: Sequence[Picture], source: Source, split: Split, limit: int | None
) -> People | None:
    chosen = [p for p in pictures if p.source == source and p.split == split]
    if limit is not None and len(chosen) > limit:
        order = sorted(chosen, key=lambda p: unit_hash("benchmark", p.key))[:limit]
        chosen = sorted(order, key=lambda p: (len(p.key), p.key))
    return people_of(name, chosen) if chosen else None


def people_of(name: str, pictures: Sequence[Picture]) -> People:
    """The people of some pictures, those without labels too."""
    pairs = [(picture, person) for picture in pictures for person in picture.persons]
    neighbours = [_neighbours(picture, person) for picture, person in pairs]
    persons = tuple(person for _, person in pairs)
    _, groups = np.unique([picture.group for picture, _ in pairs], return_inverse=True)
    return People(
        data=name,
        rows=Rows(
            paths=tuple(picture.path for picture, _ in pairs),
            boxes=np.stack([person.box for person in persons]),
        ),
        pictures=tuple(picture.key for picture, _ in pairs),
        truth=np.stack([person.keypoints for person in persons]),
        labelled=np.stack([person.labelled for person in persons]),
        area=np.array([person.area for person in persons]),
        head=np.array([person.head_px for person in persons]),
        groups=groups.astype(np.intp),
        others=tuple(points for points, _, _ in neighbours),
        others_labelled=tuple(known for _, known, _ in neighbours),
        crowded=np.array([near for _, _, near in neighbours]),
        records=persons,
    )


def _neighbours(
    picture: Picture, person: Person
) -> tuple[NDArray[np.float32], NDArray[np.bool_], bool]:
    others = [o for o in picture.persons if o is not person and o.labelled.any()]
    points = np.array([o.keypoints for o in others], np.float32).reshape(-1, JOINTS, 2)
    known = np.array([o.labelled for o in others], bool).reshape(-1, JOINTS)
    if not others:
        return points, known, False
    overlap = box_iou(person.box[None], np.stack([o.box for o in others])).max()
    return points, known, bool(overlap > OVERLAP_IOU)
