"""Whether the refiner's score tells that nobody is there, when it knows of a prior alone.

A track that has drifted off hands over its pose with an empty piece of the picture. The same
people and priors are refined where they are and where nobody is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure
from steadypose.benchmarks.refiner.people import People, Rows
from steadypose.benchmarks.refiner.resampling import Interval, Resampler, Sums
from steadypose.benchmarks.refiner.sections.prior import RIGHT, draw_priors
from steadypose.geometry import box_iou

_TRIES = 50
_OVERLAP_IOU = 0.02


@dataclass(frozen=True, kw_only=True, eq=False)
class Empty:
    """Places without anybody, each as large as somebody's box in the same picture.

    Attributes:
        people: Whose boxes they were.
        shift: ``(P, 2)`` how far each box was moved, px.
    """

    people: People
    shift: NDArray[np.float32]

    @property
    def rows(self) -> Rows:
        """The places."""
        rows = self.people.rows
        return Rows(paths=rows.paths, boxes=rows.boxes + np.tile(self.shift, 2))


def measure(context: Context) -> list[Figure]:
    """One figure, of COCO's pictures; in LSPet's there is hardly room for an empty place."""
    people = context.data.coco
    if people is None:
        return []
    empty = empty_places(context, people)
    here = empty.people
    if not len(here):
        return []
    estimate = context.bench.estimate(context.bench.bases[0], here.rows)
    rng = np.random.default_rng([context.settings.seed, 4])
    priors = draw_priors(rng, here, estimate, RIGHT)
    moved = priors.copy()
    moved[..., :2] += empty.shift[:, None]
    nothing = np.zeros_like(priors)
    there = context.bench.refine(here.rows, nothing, priors)[..., 2].mean(1)
    gone = context.bench.refine(empty.rows, nothing, moved)[..., 2].mean(1)
    return [_figure(context.resampler(here), there, gone)]


def _figure(draws: Resampler, there: NDArray[np.floating], gone: NDArray[np.floating]) -> Figure:
    ones = np.ones(len(there))
    return Figure(
        section="presence",
        metric="mean probability with a prior alone: somebody there, nobody there; area under ROC",
        data="COCO",
        before=draws.interval(Sums(top=there, bottom=ones)),
        after=draws.interval(Sums(top=gone, bottom=ones)),
        change=area_under_roc(draws, there, gone),
        n=len(there),
        groups=draws.groups,
    )


def area_under_roc(
    draws: Resampler, there: NDArray[np.floating], gone: NDArray[np.floating]
) -> Interval:
    """How often somebody ``(P,)`` scores higher than nobody ``(P,)``; a tie counts half."""
    wins = (there[:, None] > gone) + 0.5 * (there[:, None] == gone)
    weights = draws.per_person()
    many = np.einsum("bi,ij,bj->b", weights, wins, weights, optimize=True) / weights.sum(1) ** 2
    return Interval.of(float(wins.mean()), many)


def empty_places(context: Context, people: People) -> Empty:
    """A place for each labelled person whose picture has room for one."""
    kept, shifts = [], []
    for row in np.flatnonzero(people.labelled.any(1)):
        same = [i for i, name in enumerate(people.pictures) if name == people.pictures[row]]
        (image,) = context.bench.images(people.take(np.array([row])).rows)
        rng = np.random.default_rng([context.settings.seed, 5, int(row)])
        shift = _room(rng, people.rows.boxes[row], people.rows.boxes[same], image.shape)
        if shift is not None:
            kept.append(row)
            shifts.append(shift)
    return Empty(
        people=people.take(np.array(kept, np.intp)),
        shift=np.array(shifts, np.float32).reshape(-1, 2),
    )


def _room(
    rng: np.random.Generator,
    box: NDArray[np.float32],
    taken: NDArray[np.float32],
    shape: tuple[int, ...],
) -> NDArray[np.float64] | None:
    """How to move a box within the picture so that it meets nobody; None where it will not fit."""
    room = np.array([shape[1], shape[0]]) - (box[2:] - box[:2])
    if (room < 0).any():
        return None
    for _ in range(_TRIES):
        shift = rng.uniform(0, 1, 2) * room - box[:2]
        if box_iou((box + np.tile(shift, 2))[None], taken).max() < _OVERLAP_IOU:
            return np.asarray(shift, np.float64)
    return None
