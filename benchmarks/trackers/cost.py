"""Section ``cost``: milliseconds a frame of the whole tracker on one core, by number of people."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import numpy as np

from steadypose.benchmarks.trackers.footage import Footage
from steadypose.benchmarks.trackers.identity import Contender
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.rows import Row
from steadypose.benchmarks.trackers.simulation import simulate
from steadypose.benchmarks.trackers.walkers import walkers

CROWDS = (1, 5, 10, 20, 50, 100, 200, 400)
_FPS = 25.0
_WARM = 10
"""Frames before the time counts: the crowd has its tracks by then."""
_FEWEST_FRAMES, _ENOUGH_PEOPLE = 30, 3000


def measure(
    contenders: Sequence[Contender], crowds: Sequence[int], rounds: int, seed: int
) -> Iterator[Row]:
    """Time each tracker on crowds of COCO-17 poses that walk, noise and all.

    The trackers take turns, ``rounds`` times, so that a machine that others use too slows them all;
    a frame counts with the fastest of its rounds.
    """
    for count in crowds:
        crowd = _crowd(count, seed)
        runs: dict[str, list[np.ndarray]] = {each.name: [] for each in contenders}
        with one_core():
            for _ in range(rounds):
                for each in contenders:
                    (run,) = each.track(each.variants[:1], [crowd])
                    runs[each.name].append(run.frame_s[0])
        for name, spent in runs.items():
            ms = 1e3 * np.min(spent, axis=0)[_WARM:]
            yield Row(
                section="cost",
                case=f"{count} people",
                name=name,
                values={
                    "p50 ms": float(np.median(ms)),
                    "mean ms": float(ms.mean()),
                    "p95 ms": float(np.percentile(ms, 95)),
                    "us a person": float(1e3 * np.median(ms) / count),
                },
                more={"people": count, "frames": len(ms), "rounds": rounds},
            )


def _crowd(count: int, seed: int) -> Footage:
    frames = _WARM + max(_FEWEST_FRAMES, min(100, _ENOUGH_PEOPLE // count))
    return simulate(walkers(count, frames / _FPS, _FPS, seed), Noise(), seed)


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and those it starts, on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
