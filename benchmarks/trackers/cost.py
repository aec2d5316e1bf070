"""Section ``cost``: milliseconds a frame of the whole tracker on one core, by number of people."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.contenders import OURS, run_ours
from steadypose.benchmarks.trackers.footage import Footage
from steadypose.benchmarks.trackers.identity import Contender
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.peers import Tracked, Variant
from steadypose.benchmarks.trackers.rows import Row
from steadypose.benchmarks.trackers.simulation import simulate
from steadypose.benchmarks.trackers.walkers import walkers
from steadypose.poses import Poses
from steadypose.stream.looks import LOOKS_SIZE
from steadypose.trackers import TrackerSettings

CROWDS = (1, 2, 5, 10, 20, 50, 100, 200, 400)
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


def with_looks(settings: TrackerSettings, given: Variant) -> Contender:
    """Steadypose where it also knows what people look like: as the pipeline describes them."""

    def track(_: Sequence[Variant], videos: Sequence[Footage]) -> list[Tracked]:
        return [run_ours(settings, videos, _looks)]

    return Contender(name=f"{OURS}, with looks", variants=[given], track=track)


def _looks(people: Poses) -> NDArray[np.float32]:
    """Descriptors ``(N, LOOKS_SIZE)``, everybody's own; one in ten without the last stripe."""
    rng = np.random.default_rng(0)
    everyone = rng.random((people.track_ids.max(initial=0) + 2, LOOKS_SIZE), np.float32)
    looks = everyone[people.track_ids]
    looks[rng.random(len(people)) < 0.1, -LOOKS_SIZE // 4 :] = np.nan
    return looks


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
