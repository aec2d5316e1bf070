"""Whom to show: the people of a set of pictures, drawn by data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.covering import can_be_pasted
from steadypose.engines.refiner.data.records import Person, Picture
from steadypose.errors import InputError

_LEAST_JOINTS = 3
_LEAST_SIDE_PX = 20.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """A person to make samples of, and the picture they are in."""

    picture: Picture
    person: Person


class People:
    """The people of some pictures who are worth a sample.

    Those are people with at least three labelled joints and a box whose longer side measures at
    least 20 px.

    Args:
        pictures: Pictures of one split.
        source_weights: How often each data set is drawn from; sets without pictures are left out
            and the rest scaled up.

    Raises:
        InputError: Nobody is left, or a data set has no weight.
    """

    def __init__(self, pictures: Sequence[Picture], source_weights: Mapping[str, float]) -> None:
        self.entries = [
            Entry(picture=picture, person=person)
            for picture in pictures
            for person in picture.persons
            if _worth(person)
        ]
        if not self.entries:
            raise InputError("training data: no person with at least three labelled joints")
        sources = sorted({entry.picture.source for entry in self.entries})
        missing = [source for source in sources if source_weights.get(source, 0) <= 0]
        if missing:
            raise InputError(f"source_weights: no weight above 0 for {', '.join(missing)}")
        weights = np.array([source_weights[source] for source in sources], float)
        self._limits = (weights / weights.sum()).cumsum()
        self._rows = [
            np.flatnonzero([entry.picture.source == source for entry in self.entries])
            for source in sources
        ]
        self._guests = np.flatnonzero([can_be_pasted(entry.person) for entry in self.entries])

    def __len__(self) -> int:
        return len(self.entries)

    def draw(self, rng: np.random.Generator) -> Entry:
        """Somebody, by the weights of the data sets."""
        source = min(int(np.searchsorted(self._limits, rng.random())), len(self._rows) - 1)
        rows = self._rows[source]
        return self.entries[int(rows[rng.integers(len(rows))])]

    def draw_guest(self, rng: np.random.Generator, host: Entry) -> Entry | None:
        """Somebody of another picture who can be cut out, whatever their data set."""
        if not len(self._guests):
            return None
        guest = self.entries[int(self._guests[rng.integers(len(self._guests))])]
        return None if guest.picture is host.picture else guest

    def draw_stranger(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Joints ``(19, 2)`` of anybody, NaN where there is no label."""
        person = self.draw(rng).person
        there = person.weight[:, None] > 0
        return np.where(there, person.keypoints, np.nan).astype(np.float32)


def _worth(person: Person) -> bool:
    sides = person.box[2:] - person.box[:2]
    return (
        int((person.weight > 0).sum()) >= _LEAST_JOINTS
        and float(sides.max()) >= _LEAST_SIDE_PX
        and float(sides.min()) > 0
    )
