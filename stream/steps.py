"""Work on a frame as steps that wait for a network, so that several frames can take them together.

The work is a generator: it yields what it wants of a network and is sent the answer. ``together``
answers those of several frames at once, so that their people share batches.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.detectors import Detections
from steadypose.poses import Poses

if TYPE_CHECKING:
    from steadypose.stream.engine_room import EngineRoom

T = TypeVar("T")
Image = NDArray[np.uint8]
_Check = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Look:
    """Wants the people of a frame found."""

    image: Image


@dataclass(frozen=True, eq=False)
class Estimate:
    """Wants poses for the boxes ``(N, 4)`` of a frame."""

    image: Image
    boxes: NDArray[np.floating]

    @property
    def people(self) -> int:
        """How many there are."""
        return len(self.boxes)


@dataclass(frozen=True, eq=False)
class Refine:
    """Wants the poses of a frame refined, with priors ``(N, 19, 3)``."""

    image: Image
    poses: Poses
    priors: NDArray[np.float32]

    @property
    def people(self) -> int:
        """How many there are."""
        return len(self.poses)


Wish = Look | Estimate | Refine
Steps = Generator[Wish, Any, T]
"""Work that ends in a ``T``."""


def look(image: Image) -> Steps[Detections]:
    """Have people found; see ``Detector.detect``."""
    found: Detections = yield Look(image)
    return found


def estimate(image: Image, boxes: NDArray[np.floating]) -> Steps[Poses]:
    """Have poses estimated; see ``Estimator.estimate``."""
    poses: Poses = yield Estimate(image, boxes)
    return poses


def refine(image: Image, poses: Poses, priors: NDArray[np.float32]) -> Steps[Poses]:
    """Have poses refined; see ``PoseRefiner.refine``."""
    refined: Poses = yield Refine(image, poses, priors)
    return refined


class Taker(Protocol):
    """Takes all steps of one frame's work and returns what it ends in."""

    def __call__(self, room: EngineRoom, work: Steps[T]) -> T:
        """Take them."""
        ...


def alone(room: EngineRoom, work: Steps[T]) -> T:
    """Take all steps of one frame's work and return what it ends in."""
    return together(room, [work])[0]


def answered(work: Steps[T], answer: Callable[[Wish], Any]) -> T:
    """Take all steps of one frame's work, with whatever answers its wishes.

    Raises:
        SteadyposeError: What the answer or the work raised; the work is then given up.
    """
    try:
        wish = next(work)
        while True:
            try:
                reply = answer(wish)
            except Exception as error:
                work.throw(error)  # which raises it under the name of its stage
                raise
            wish = work.send(reply)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        work.close()


def answers(
    room: EngineRoom, wishes: Sequence[Wish], check: _Check = lambda: None
) -> Sequence[Any]:
    """What the networks say to wishes of one kind, which share batches."""
    return _ANSWERS[type(wishes[0])](room, wishes, check)


def first_kind(wishes: Iterable[Wish]) -> type[Wish]:
    """The kind that is to be answered first, so that whoever is behind catches up."""
    asked = {type(wish) for wish in wishes}
    return next(kind for kind in _ANSWERS if kind in asked)


def together(room: EngineRoom, works: Sequence[Steps[T]], check: _Check = lambda: None) -> list[T]:
    """Take the steps of several frames' work side by side.

    Who is at an earlier step goes first, so that all are at the later one when it is run.

    Args:
        room: The networks.
        works: One for each frame.
        check: Called before every run of a network; raises what the work is to end with.

    Returns:
        What each ended in.

    Raises:
        SteadyposeError: What a network or a piece of work raised; all work is then given up.
    """
    results: dict[int, T] = {}
    wishes: dict[int, Wish] = {}

    def go_on(n: int, step: Callable[[], Wish]) -> None:
        try:
            wishes[n] = step()
        except StopIteration as end:
            results[n] = end.value

    try:
        for n, work in enumerate(works):
            go_on(n, work.__next__)
        while wishes:
            kind = first_kind(wishes.values())
            rows = [n for n, wish in wishes.items() if isinstance(wish, kind)]
            asked = [wishes.pop(n) for n in rows]
            try:
                replies = answers(room, asked, check)
            except Exception as error:
                works[rows[0]].throw(error)  # which raises it under the name of its stage
                raise
            for n, answer in zip(rows, replies, strict=True):
                go_on(n, lambda n=n, answer=answer: works[n].send(answer))  # type: ignore[misc]
    finally:
        for work in works:
            work.close()
    return [results[n] for n in range(len(works))]


def _find(room: EngineRoom, wishes: Sequence[Look], check: _Check) -> list[Detections]:
    # One by one: batches of whole frames were not seen to gain anything on a processor.
    found = []
    for wish in wishes:
        check()
        found.append(room.detector.detect(wish.image))
    return found


def _estimate(room: EngineRoom, wishes: Sequence[Estimate], check: _Check) -> list[Poses]:
    check()
    return room.estimator.estimate_many([w.image for w in wishes], [w.boxes for w in wishes])


def _refine(room: EngineRoom, wishes: Sequence[Refine], check: _Check) -> list[Poses]:
    check()
    if room.refiner is None:
        raise RuntimeError("this engine room has no refiner")
    return room.refiner.refine_many(
        [w.image for w in wishes], [w.poses for w in wishes], [w.priors for w in wishes]
    )


_ANSWERS: dict[type[Any], Callable[[EngineRoom, Any, _Check], Sequence[Any]]] = {
    Look: _find,
    Estimate: _estimate,
    Refine: _refine,
}
"""In the order in which the steps of a frame come."""
