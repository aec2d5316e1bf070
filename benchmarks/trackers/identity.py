"""Section ``identity``: who keeps the ids, each tracker with its best settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.resampling import Interval, Resampler
from steadypose.benchmarks.trackers.contenders import (
    OURS,
    PERFECT,
    PLAIN,
    PLAIN_VARIANTS,
    run_ours,
    run_perfect,
    run_plain,
)
from steadypose.benchmarks.trackers.footage import Footage
from steadypose.benchmarks.trackers.peers import (
    PEERS,
    Peer,
    Tracked,
    Variant,
    peer_python,
    run_peer,
)
from steadypose.benchmarks.trackers.rows import Row
from steadypose.benchmarks.trackers.scenes import Scenes
from steadypose.benchmarks.trackers.scoring import MEASURES, box_sums, joint_sums, measures
from steadypose.trackers import TrackerSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Contender:
    """A tracker with the settings that may be chosen from.

    Attributes:
        name: What it is called in tables.
        variants: Settings; the best on the tuning videos is measured.
        track: Tracks videos with some of them.
    """

    name: str
    variants: Sequence[Variant]
    track: Callable[[Sequence[Variant], Sequence[Footage]], list[Tracked]]


def contenders(settings: TrackerSettings, given: Variant, peers: Path | None) -> list[Contender]:
    """Steadypose, plain SORT, who knows the truth, and the peers where their folder is given."""

    def ours(_: Sequence[Variant], videos: Sequence[Footage]) -> list[Tracked]:
        return [run_ours(settings, videos)]

    def plain(variants: Sequence[Variant], videos: Sequence[Footage]) -> list[Tracked]:
        return [run_plain(variant, videos) for variant in variants]

    def perfect(_: Sequence[Variant], videos: Sequence[Footage]) -> list[Tracked]:
        return [run_perfect(videos)]

    found = [
        Contender(name=PERFECT, variants=[{}], track=perfect),
        Contender(name=OURS, variants=[given], track=ours),
        Contender(name=PLAIN, variants=PLAIN_VARIANTS, track=plain),
    ]
    return found + [_as_contender(peer, peers) for peer in PEERS if peers is not None]


def _as_contender(peer: Peer, folder: Path) -> Contender:
    python = peer_python(folder, peer)

    def track(variants: Sequence[Variant], videos: Sequence[Footage]) -> list[Tracked]:
        return run_peer(python, peer, variants, videos)

    return Contender(name=peer.name, variants=peer.variants, track=track)


def stand(
    contender: Contender,
    fps: float,
    tuning: Scenes | None,
    held_out: Scenes,
    resamples: int,
    seed: int,
) -> Row:
    """Choose the settings on the tuning videos, measure on those held out.

    Args:
        contender: The tracker.
        fps: Frames per second of both.
        tuning: To choose on; the first settings count where there is nothing to choose.
        held_out: To measure on.
        resamples: Draws of the intervals.
        seed: Of the draws.
    """
    best, tried = 0, {}
    if tuning is not None and len(contender.variants) > 1:
        runs = contender.track(contender.variants, tuning.observed)
        totals = [measures(scene_sums(tuning, run).sum(0)) for run in runs]
        best = int(np.argmax([merit(total, tuning.people) for total in totals]))
        tried = {str(v): _told(t) for v, t in zip(contender.variants, totals, strict=True)}
    chosen = contender.variants[best]
    (run,) = contender.track([chosen], held_out.observed)
    sums = scene_sums(held_out, run)
    resampler = Resampler(held_out.groups, resamples, seed)
    values = _intervals(resampler, sums)
    if contender.name == OURS:
        values |= _joint_intervals(resampler, held_out, run)
    return Row(
        section="identity",
        case=f"{fps:g} frames/s",
        name=contender.name,
        values=values,
        settings=chosen,
        more={"switches_by_video": _switches(held_out, sums), "tried_on_tuning": tried},
    )


def merit(total: Floats, people: int) -> float:
    """What settings are chosen by: IDF1 and HOTA, less the switches in 100 true people.

    Args:
        total: The measures of all videos.
        people: True people in them, counted in each frame.
    """
    found = dict(zip(MEASURES, total.tolist(), strict=True))
    return float((found["IDF1"] + found["HOTA"]) / 2 - 100 * found["switches"] / people)


def scene_sums(scenes: Scenes, run: Tracked) -> Floats:
    """Sums ``(S, V)`` of each observed video, boxes."""
    found = zip(scenes.truths, scenes.observed, run.ids, strict=True)
    return np.array([box_sums(truth, observed, ids) for truth, observed, ids in found])


def _intervals(resampler: Resampler, sums: Floats) -> dict[str, Interval]:
    total, drawn = resampler.totals(sums)
    return {
        name: Interval.of(value, draws)
        for name, value, draws in zip(
            MEASURES, measures(total).tolist(), measures(drawn).T, strict=True
        )
    }


def _joint_intervals(resampler: Resampler, scenes: Scenes, run: Tracked) -> dict[str, Interval]:
    """MOTA and HOTA of joints, the mean over those that are annotated at all."""
    found = zip(scenes.truths, scenes.observed, run.ids, strict=True)
    sums = np.array([joint_sums(truth, observed, ids) for truth, observed, ids in found])
    total, drawn = resampler.totals(sums)
    values, draws = measures(total), measures(drawn)
    known = np.isfinite(values[:, MEASURES.index("MOTA")])
    return {
        f"joint {name}": Interval.of(
            float(values[known, i].mean()), np.nanmean(draws[:, known, i], 1)
        )
        for i, name in enumerate(MEASURES)
        if name in ("MOTA", "HOTA")
    }


def _switches(scenes: Scenes, sums: Floats) -> dict[str, int]:
    counts: dict[str, int] = {}
    each = measures(sums)[:, MEASURES.index("switches")]
    for truth, count in zip(scenes.truths, each.tolist(), strict=True):
        counts[truth.footage.name] = counts.get(truth.footage.name, 0) + int(count)
    return counts


def _told(total: Floats) -> dict[str, float]:
    return {name: round(value, 2) for name, value in zip(MEASURES, total.tolist(), strict=True)}
