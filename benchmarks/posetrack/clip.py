"""``Clip``: annotations or predictions of one video as arrays, whatever file they are from.

Joints are PoseTrack's 15 in the order of its joint ids (``POSETRACK15``). A joint is there unless
the file says (0, 0, 0), as poseval has it; one at or below 0 is there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadypose.poses import NO_TRACK
from steadypose.skeletons import POSETRACK15

JOINTS = len(POSETRACK15)
Floats = NDArray[np.float64]
Polygon = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """The F images of a clip, in order of time.

    Attributes:
        ids: ``(F,)`` int64.
        files: Their ``file_name``.
        labelled: ``(F,)`` bool: people are annotated here, if there are any.
        regions: For each image its ignore regions, polygons ``(V, 2)`` in pixels.
        promised: ``(F,)`` int64 how many images the clip has, as each says; -1 where it does not.
    """

    ids: NDArray[np.int64]
    files: tuple[str, ...]
    labelled: NDArray[np.bool_]
    regions: tuple[tuple[Polygon, ...], ...]
    promised: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True, eq=False)
class Persons:
    """N persons in images, sorted by image; of one image in the order of the file.

    Attributes:
        image: ``(N,)`` row of the image.
        track_ids: ``(N,)`` int64; -1 for none.
        person_ids: ``(N,)`` int64 the same person in all clips of a set; -1 for none.
        points: ``(N, 15, 2)`` x, y in pixels; NaN where missing.
        scores: ``(N, 15)``; NaN where there is none.
        visible: ``(N, 15)`` 0 or 1; NaN where the file does not say.
        boxes: ``(N, 4)`` x1 y1 x2 y2 in pixels; NaN where there is none.
        heads: ``(N, 4)`` the same for the head.
        person_scores: ``(N,)``; NaN where there is none.
        bare: ``(N,)`` bool: a rectangle of the 2017 format that has no points at all.
    """

    image: NDArray[np.intp]
    track_ids: NDArray[np.int64]
    person_ids: NDArray[np.int64]
    points: Floats
    scores: Floats
    visible: Floats
    boxes: Floats
    heads: Floats
    person_scores: Floats
    bare: NDArray[np.bool_]

    @classmethod
    def blank(cls, image: Sequence[int] | NDArray[np.intp]) -> Persons:
        """Persons of whom only the images are known."""
        n = len(image)
        return cls(
            image=np.asarray(image, np.intp),
            track_ids=np.full(n, NO_TRACK, np.int64),
            person_ids=np.full(n, NO_TRACK, np.int64),
            points=np.full((n, JOINTS, 2), np.nan),
            scores=np.full((n, JOINTS), np.nan),
            visible=np.full((n, JOINTS), np.nan),
            boxes=np.full((n, 4), np.nan),
            heads=np.full((n, 4), np.nan),
            person_scores=np.full(n, np.nan),
            bare=np.zeros(n, bool),
        )

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Persons:
        """The persons picked by a slice, a mask or rows."""
        return Persons(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    @property
    def there(self) -> NDArray[np.bool_]:
        """``(N, 15)`` True where a joint is not missing."""
        return np.isfinite(self.points[..., 0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """One video.

    Attributes:
        name: What its file is called, without ``.json``; the official tools pair files by it.
        source: The file, for messages.
        images: Its frames.
        persons: Who is in them.
    """

    name: str
    source: Path
    images: Images
    persons: Persons

    def by_image(self) -> list[slice]:
        """For each image the rows of its persons."""
        ends = np.searchsorted(self.persons.image, np.arange(len(self.images) + 1))
        return [slice(a, b) for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]

    def take(self, rows: NDArray[np.intp]) -> Clip:
        """The clip with these images, each once, in this order."""
        new = np.full(len(self.images), -1, np.intp)
        new[rows] = np.arange(len(rows))
        persons = replace(self.persons, image=new[self.persons.image])
        persons = persons[persons.image >= 0]
        images = Images(
            ids=self.images.ids[rows],
            files=tuple(self.images.files[i] for i in rows),
            labelled=self.images.labelled[rows],
            regions=tuple(self.images.regions[i] for i in rows),
            promised=self.images.promised[rows],
        )
        persons = persons[np.argsort(persons.image, kind="stable")]
        return replace(self, images=images, persons=persons)

    def where(self, image: int) -> str:
        """An image's name in messages: file, id, picture."""
        return f"{self.source}: image {self.images.ids[image]} ({self.images.files[image]})"
