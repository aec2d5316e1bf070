"""Joints on the wrong side, on somebody else, and right ones that the refiner spoils."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from steadypose.benchmarks.refiner import joints as j
from steadypose.benchmarks.refiner.average_precision import Joints
from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.crowds import make_crowd
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.people import People
from steadypose.benchmarks.refiner.resampling import Sums

_HALVED, _BY_A_THIRD = Target("change", "<=", 0.5), Target("change", "<=", 2 / 3)
_MADE_UP = 300
"""Crowds put together."""


def measure(context: Context) -> list[Figure]:
    """Inversions and harm on every data set, swaps where people overlap."""
    found = []
    for base in context.crop_bases:
        for people in context.data.sets:
            before, after = context.pair(base, people)
            found += confused(
                context, "inversions", j.inverted, people, base.name, (before, after), _HALVED
            )
            found += _harm(context, people, base.name, before, after)
            crowd = np.flatnonzero(people.crowded & people.labelled.any(1))
            if len(crowd):
                pair = (before[crowd], after[crowd])
                some = people.take(crowd)
                found += confused(context, "swaps", j.swapped, some, base.name, pair, _BY_A_THIRD)
    return found + _in_made_up_crowds(context)


def confused(
    context: Context,
    name: str,
    which: Callable[[Joints, People], j.Confused],
    people: People,
    base: str,
    pair: tuple[Joints, Joints],
    target: Target,
) -> list[Figure]:
    """Rates of joints taken for other ones before and after, all of them and the clear ones.

    Of the joints that the base has: head top and neck only the refiner finds.
    """
    draws = context.resampler(people)
    old, new = which(pair[0], people), which(pair[1], people)
    figures = []
    for kind in ("any", "clear"):
        before = Sums.share(getattr(old, kind), old.among)
        after = Sums.share(getattr(new, kind), old.among)
        figures.append(
            Figure(
                section="mistakes",
                metric=f"{name} %" if kind == "any" else f"{name} %, own place missed",
                data=people.data,
                base=base,
                before=draws.interval(before, 100),
                after=draws.interval(after, 100),
                change=draws.change(before, after, "ratio"),
                ratio=True,
                n=int(after.bottom.sum()),
                groups=draws.groups,
                target=target if kind == "any" else None,
                more={"joints_before": int(before.top.sum()), "joints_after": int(after.top.sum())},
            )
        )
    return figures


def _harm(
    context: Context, people: People, base: str, before: Joints, after: Joints
) -> list[Figure]:
    """Joints right before and after, and of the right ones those spoilt."""
    draws = context.resampler(people)
    was = j.right(before, people) & people.labelled
    now = j.right(after, people)
    could = people.labelled & (before[..., 2] > 0)  # head top and neck are no estimator's
    old, new = Sums.share(was, could), Sums.share(now, could)
    mended = Sums.share(now, could & ~was)
    right = Figure(
        section="mistakes",
        metric="joints right %, PCKh 0.5",
        data=people.data,
        base=base,
        before=draws.interval(old, 100),
        after=draws.interval(new, 100),
        change=draws.change(old, new, "difference", 100),
        n=int(could.sum()),
        groups=draws.groups,
        more={"wrong_joints_mended_%": draws.interval(mended, 100).value},
    )
    harm = Figure(
        section="mistakes",
        metric="right joints made wrong %, PCKh 0.5",
        data=people.data,
        base=base,
        after=draws.interval(Sums.share(~now, was), 100),
        n=int(was.sum()),
        groups=draws.groups,
        target=Target("after", "<=", 1.5),
    )
    return [right, harm]


def _in_made_up_crowds(context: Context) -> list[Figure]:
    hosts = context.data.lspet
    if hosts is None:
        return []
    crowd = make_crowd(context.bench, hosts, _MADE_UP, context.settings.seed)
    if not len(crowd.people):
        return []
    found = []
    for base in context.crop_bases:
        pair = crowd.run(context.bench.refiner, base)
        found += confused(context, "swaps", j.swapped, crowd.people, base.name, pair, _BY_A_THIRD)
    return found
