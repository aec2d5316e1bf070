"""Whether the refiner's probabilities hold: of the joints told 0.8, are 0.8 right?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner import joints as j
from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.people import People
from steadypose.benchmarks.refiner.resampling import Interval

BINS = 15
_TARGET = Target("after", "<=", 0.05)


def measure(context: Context) -> list[Figure]:
    """ECE on each data set for each base, and over all bases with the reliability table."""
    found = []
    for people in context.data.sets:
        parts = []
        for base in context.crop_bases:
            before, after = context.pair(base, people)
            told_before, told = before[..., 2], after[..., 2]
            had = people.labelled & (told_before > 0)
            old = bin_sums(told_before, j.right(before, people), had)
            new = bin_sums(told, j.right(after, people), people.labelled)
            found.append(_figure(context, people, base.name, new, old))
            parts.append(new)
        found.append(_figure(context, people, "all of them", np.sum(parts, 0), None))
    return found


def bin_sums(
    told: NDArray[np.floating], right: NDArray[np.bool_], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """For each person and bin ``(P, 15, 3)``: joints, sum of what was told, joints right."""
    which = np.minimum((np.asarray(told, np.float64) * BINS).astype(int), BINS - 1)
    sums = np.zeros((len(told), BINS, 3))
    people = np.broadcast_to(np.arange(len(told))[:, None], told.shape)[known]
    parts = np.stack([np.ones(told.shape), told, right], -1)[known]
    np.add.at(sums, (people, which[known]), parts)
    return sums


def ece(sums: NDArray[np.floating]) -> NDArray[np.float64]:
    """Expected calibration error (Guo et al., arXiv 1706.04599) of bins ``(..., 15, 3)``."""
    count = sums[..., 0].sum(-1)
    gap = np.abs(sums[..., 2] - sums[..., 1]).sum(-1)
    return np.asarray(np.divide(gap, count, out=np.full(np.shape(count), np.nan), where=count > 0))


def reliability(sums: NDArray[np.floating]) -> list[dict[str, float]]:
    """A row for each bin that holds joints: how many, mean told, share right."""
    return [
        {
            "from": round(row / BINS, 3),
            "joints": int(count),
            "told": round(told / count, 4),
            "right": round(right / count, 4),
        }
        for row, (count, told, right) in enumerate(sums.tolist())
        if count
    ]


def _figure(
    context: Context,
    people: People,
    base: str,
    after: NDArray[np.float64],
    before: NDArray[np.float64] | None,
) -> Figure:
    draws = context.resampler(people)
    total, drawn = draws.totals(after)
    old = None
    if before is not None:
        start, starts = draws.totals(before)
        old = Interval.of(float(ece(start)), ece(starts))
    return Figure(
        section="calibration",
        metric="ECE of 'within PCKh 0.5'",
        data=people.data,
        base=base,
        before=old,
        after=Interval.of(float(ece(total)), ece(drawn)),
        n=int(total[:, 0].sum()),
        groups=draws.groups,
        target=_TARGET,
        more={"reliability": reliability(total)},
    )
