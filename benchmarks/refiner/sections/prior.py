"""What the temporal prior is worth: a right one where the estimate fails, a wrong one's cost.

Priors are simulated: the truth moved as people were measured to move in video, with a track's
certainty (``steadypose.engines.refiner.priors``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner import joints as j
from steadypose.benchmarks.refiner.average_precision import Compared, Evaluation, Joints
from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.networks import Base
from steadypose.benchmarks.refiner.people import People
from steadypose.benchmarks.refiner.resampling import Interval, Resampler, Sums
from steadypose.engines.refiner.priors import PriorMixture, simulate_prior
from steadypose.skeletons import COCO17

RIGHT = PriorMixture(missing=0, right=1, stale=0, swapped=0)
WRONG = PriorMixture(missing=0, right=0, stale=0, swapped=1)
_PEOPLE = 150
_DESTROYED = len(COCO17) // 4
_AWAY_HEADS = (1.0, 3.0)
_DRAWS = 3
"""Of a wrong prior, whose cost is small: the mean of the results counts."""
_SEEN = 0.3


def measure(context: Context) -> list[Figure]:
    """Recovery on every data set, and the cost of a wrong prior in AP on COCO."""
    found = []
    for people in context.data.sets:
        some = people.some(_PEOPLE, "prior")
        for base in context.crop_bases:
            found += _recovery(context, base, some)
    if context.data.coco is not None:
        for base in context.crop_bases:
            found += _in_ap(context, base, context.data.coco)
    return found


def _recovery(context: Context, base: Base, people: People) -> list[Figure]:
    bench, seed = context.bench, context.settings.seed
    whole = bench.estimate(base, people.rows)
    damaged, hit = destroy(np.random.default_rng([seed, 1]), whole, people.head)
    prior = draw_priors(np.random.default_rng([seed, 2]), people, whole, RIGHT)
    results = {
        "whole": bench.refine(people.rows, whole),
        "damaged": bench.refine(people.rows, damaged),
        "with prior": bench.refine(people.rows, damaged, prior),
    }
    found = []
    had = people.labelled & (whole[..., 2] > 0)  # a prior also knows what no estimator finds
    for name, among in (("", had), (", those destroyed", had & hit)):
        shares = {k: Sums.share(j.right(v, people), among) for k, v in results.items()}
        alone = Sums.share(j.right(damaged, people), among)
        found += _figures(context, base, people, name, shares, alone)
    return found


def _figures(
    context: Context,
    base: Base,
    people: People,
    name: str,
    shares: dict[str, Sums],
    alone: Sums,
) -> list[Figure]:
    draws = context.resampler(people)
    whole, damaged, helped = (shares[k] for k in ("whole", "damaged", "with prior"))
    shown = {k: draws.interval(s, 100) for k, s in shares.items()}
    common: dict[str, Any] = {
        "section": "prior",
        "data": people.data,
        "base": base.name,
        "n": int(whole.bottom.sum()),
        "groups": draws.groups,
    }
    loss = Figure(
        metric=f"PCKh 0.5 %, refined, estimate whole, then one joint in four destroyed{name}",
        before=shown["whole"],
        after=shown["damaged"],
        change=draws.change(whole, damaged, "difference", 100),
        more={"estimate_alone": draws.interval(alone, 100).value},
        **common,
    )
    gain = Figure(
        metric=f"PCKh 0.5 %, refined, a right prior's share of that loss recovered{name}",
        before=shown["damaged"],
        after=shown["with prior"],
        change=recovered(draws, whole, damaged, helped),
        ratio=True,
        target=Target("change", ">=", 0.5) if not name else None,
        **common,
    )
    return [loss, gain]


def recovered(draws: Resampler, whole: Sums, damaged: Sums, with_prior: Sums) -> Interval:
    """``(with_prior - damaged) / (whole - damaged)``: 1 where all is back, 0 where nothing is.

    NaN where nothing was lost; draws in which nothing was are left out.
    """
    (a, many_a), (b, many_b), (c, many_c) = (draws.ratio(s) for s in (whole, damaged, with_prior))
    lost, back = np.append(many_a - many_b, a - b), np.append(many_c - many_b, c - b)
    share = np.divide(back, lost, out=np.full(len(lost), np.nan), where=lost > 0)
    return Interval.of(float(share[-1]), share[:-1])


def destroy(
    rng: np.random.Generator, joints: Joints, head: NDArray[np.floating]
) -> tuple[Joints, NDArray[np.bool_]]:
    """Take one joint in four of poses ``(P, 19, 3)`` away or move it by one to three heads.

    Returns:
        The poses, and which joints ``(P, 19)`` were hit. Moved joints keep their scores.
    """
    found, hit = joints.copy(), np.zeros(joints.shape[:2], bool)
    for row in range(len(joints)):
        picked = rng.permutation(len(COCO17))[:_DESTROYED]
        hit[row, picked] = True
        moved = picked[: _DESTROYED // 2]
        angle = rng.uniform(0, 2 * np.pi, len(moved))
        reach = head[row] * rng.uniform(*_AWAY_HEADS, len(moved))
        found[row, moved, :2] += (reach * np.stack([np.cos(angle), np.sin(angle)])).T
        found[row, picked[_DESTROYED // 2 :]] = 0
    return found, hit


def draw_priors(
    rng: np.random.Generator, people: People, estimate: Joints, mixture: PriorMixture
) -> Joints:
    """Simulated priors ``(P, 19, 3)`` in picture pixels; zeros for people without labels.

    Joints without a label are where the estimator sees them. Where nobody else is in the
    picture, a swapped prior is the pose of some other person of the set beside this one.
    """
    found = np.zeros_like(estimate)
    labelled = np.flatnonzero(people.labelled.sum(1) >= _DESTROYED)
    for row in np.flatnonzero(people.labelled.any(1)):
        stranger = int(rng.choice(labelled)) if len(labelled) else row
        unseen = estimate[row, :, 2:] < _SEEN
        found[row] = simulate_prior(
            rng,
            truth=people.truth[row],
            labelled=people.labelled[row],
            area=float(people.area[row]),
            head_px=float(people.head[row]),
            others=people.others[row],
            others_labelled=people.others_labelled[row],
            base=np.where(unseen, np.nan, estimate[row, :, :2]),
            stranger=np.where(people.labelled[stranger][:, None], people.truth[stranger], np.nan),
            mixture=mixture,
        ).joints
    return found


def _in_ap(context: Context, base: Base, people: People) -> list[Figure]:
    """AP with a right and with a wrong prior, against none."""
    none = _ap(context, base, people, None, 0)
    right = [_ap(context, base, people, RIGHT, 0)]
    wrong = [_ap(context, base, people, WRONG, draw) for draw in range(_DRAWS)]
    settings = context.settings
    compared = Compared([[none], right, wrong], settings.resamples, settings.seed)
    kinds = (
        (1, "AP, a right prior", None),
        (2, "AP, another person's prior", Target("change", ">=", -0.5)),
    )
    return [
        Figure(
            section="prior",
            metric=name,
            data="COCO, ground-truth boxes",
            base=base.name,
            before=compared.side(0),
            after=compared.side(side),
            change=compared.difference(side, 0),
            n=int(people.labelled.any(1).sum()),
            groups=len(none),
            target=target,
            more={
                "before": "refined without a prior",
                "draws_of_the_prior": len(wrong if side == 2 else right),
            },
        )
        for side, name, target in kinds
    ]


def _ap(
    context: Context, base: Base, people: People, mixture: PriorMixture | None, draw: int
) -> Evaluation:
    before = context.bench.estimate(base, people.rows)
    if mixture is None:
        after = context.bench.refined(base, people.rows)
    else:
        rng = np.random.default_rng([context.settings.seed, 3, draw])
        prior = draw_priors(rng, people, before, mixture)
        after = context.bench.refine(people.rows, before, prior)
    return context.evaluation(people.pictures, after, context.person_scores(after, before))
