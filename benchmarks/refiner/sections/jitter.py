"""How much joints move when the crop does: the picture is the same, the pose should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.networks import PADDING, SIZE, Base, Joints
from steadypose.benchmarks.refiner.people import People, Rows
from steadypose.benchmarks.refiner.resampling import Sums
from steadypose.engines.crops import pixels_per_crop_pixel

_PEOPLE = 48
_SHIFTS = 6
_REACH_PX = 4.0


def measure(context: Context) -> list[Figure]:
    """A figure for each base and data set, of some of its people."""
    found = []
    for people in context.data.sets:
        some = people.some(_PEOPLE, "jitter")
        found += [_figure(context, base, some) for base in context.crop_bases]
    return found


def _figure(context: Context, base: Base, people: People) -> Figure:
    bench, before, after = context.bench, [], []
    for rows in shifted(people.rows, context.settings.seed):
        pose = bench.estimate(base, rows)
        before.append(pose)
        after.append(bench.refine(rows, pose))
    scale = pixels_per_crop_pixel(people.rows.boxes, SIZE, PADDING)
    known = people.labelled & (before[0][..., 2] > 0)
    old, new = (
        Sums(top=np.where(known, s, 0).sum(1), bottom=known.sum(1).astype(float))
        for s in (spread(np.stack(side), scale) for side in (before, after))
    )
    draws = context.resampler(people)
    return Figure(
        section="jitter",
        metric="std over crop shifts, px of the crop",
        data=people.data,
        base=base.name,
        before=draws.interval(old),
        after=draws.interval(new),
        change=draws.change(old, new, "ratio"),
        ratio=True,
        n=int(known.sum()),
        groups=draws.groups,
        target=Target("change", "<=", 2 / 3),
        more={"shifts": _SHIFTS, "reach_px": _REACH_PX},
    )


def shifted(rows: Rows, seed: int) -> list[Rows]:
    """The boxes moved by up to 4 px of the crop in x and y, several times."""
    rng = np.random.default_rng(seed)
    scale = pixels_per_crop_pixel(rows.boxes, SIZE, PADDING)[:, None]
    ways = rng.uniform(-_REACH_PX, _REACH_PX, (_SHIFTS, len(rows), 2)) * scale
    both = np.concatenate([ways, ways], 2)
    return [replace(rows, boxes=(rows.boxes + way).astype(np.float32)) for way in both]


def spread(found: Joints, scale: NDArray[np.floating]) -> NDArray[np.float64]:
    """Standard deviation ``(P, K)`` of joints ``(S, P, K, 3)`` over S shifts, crop pixels.

    The root of the summed variances of x and y; ``scale`` ``(P,)`` is frame pixels per crop pixel.
    """
    variance = found[..., :2].astype(np.float64).var(0).sum(-1)
    return np.asarray(np.sqrt(variance) / scale[:, None])
