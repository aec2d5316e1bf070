"""Runs every variant in turns over the same frames and tells what it saves and costs.

Quality is told against the boxes of ``--truth`` where they are given, else against the whole
pipeline, which then has no errors of its own; agreement is always with the whole pipeline.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.ablation.quality import idf1, jitter, same_joints
from steadypose.benchmarks.ablation.variants import WHOLE, Variant, variants
from steadypose.benchmarks.agreement import Boxes, compare, read_truth, switches
from steadypose.benchmarks.following.passes import Pass, boxes_of, one_pass
from steadypose.benchmarks.records import Origin, Record, median_of
from steadypose.configs import load_config, unknown
from steadypose.errors import InputError
from steadypose.stream.engine_room import EngineRoom


def run(options: argparse.Namespace) -> int:
    """Measure, print the tables, append the records.

    Raises:
        InputError: The truth is given for several clips, or a variant is unknown.
    """
    if options.truth and len(options.clips) != 1:
        raise InputError("--truth: holds for one clip; give one")
    chosen = choose(options.only)
    origin, found = Origin.of(options), []
    for preset in options.config:
        overrides: dict[str, Any] = {
            "refiner": {"enabled": True},
            "estimator": {"when": "always"},
            "runtime": {"device": options.device},
        }
        room = EngineRoom.load(load_config(preset, overrides))
        for clip in options.clips:
            passes = measure(room, clip, chosen, options.frames, options.rounds)
            truth = read_truth(options.truth) if options.truth else None
            for record in _records(clip, preset, options, passes, truth):
                found.append(record)
                records.append(options.json, [record], origin)
                records.tell(record)
    print(tables.markdown([records.as_line(record, origin) for record in found]), end="")
    return 0


def choose(only: Sequence[str] | None) -> list[Variant]:
    """The whole pipeline and those named, or all. Raises InputError for an unknown name."""
    every = variants()
    names = [variant.name for variant in every]
    for name in only or ():
        if name not in names:
            raise InputError("--only: " + unknown("variant", name, names))
    return [v for v in every if only is None or v.name in (*only, WHOLE)]


def measure(
    room: EngineRoom, clip: Path, chosen: Sequence[Variant], frames: int, rounds: int
) -> dict[str, list[Pass]]:
    """Let the variants take turns; each one's passes by its name."""
    passes: dict[str, list[Pass]] = {variant.name: [] for variant in chosen}
    for _ in range(rounds):
        for variant in chosen:
            with variant.room(room) as changed:
                passes[variant.name].append(one_pass(changed, clip, frames))
    return passes


def _records(
    clip: Path,
    preset: str,
    options: argparse.Namespace,
    passes: dict[str, list[Pass]],
    truth: dict[int, Boxes] | None,
) -> Iterator[Record]:
    whole = passes[WHOLE]
    true = boxes_of(whole[0].people) if truth is None else truth
    against = WHOLE if options.truth is None else options.truth.name
    for name, found in passes.items():
        people = found[0].people
        yield Record(
            what="ablation",
            case={"clip": clip.name, "preset": preset, "variant": name},
            values={**_speed(whole, found), **_quality(whole, found, true)},
            n=len(people),
            config={"ids against": against, "rounds": len(found), "device": options.device},
            more={"stage_ms": found[0].stage_ms},
        )


def _speed(whole: Sequence[Pass], found: Sequence[Pass]) -> dict[str, Any]:
    pairs = list(zip(whole, found, strict=True))
    frames = len(found[0].people)
    cpu_ms = [1e3 * one.cpu_s / frames for one in found]
    return {
        "frames/s": round(float(np.median([frames / one.wall_s for one in found])), 2),
        "times as fast": median_of([a.wall_s / b.wall_s for a, b in pairs]),
        "processor ms": round(float(np.median(cpu_ms)), 1),
        "processor, times as little": median_of([a.cpu_s / b.cpu_s for a, b in pairs]),
        "people estimated": found[0].networks[0],
        "people refined": found[0].networks[1],
    }


def _quality(
    whole: Sequence[Pass], found: Sequence[Pass], true: dict[int, Boxes]
) -> dict[str, Any]:
    people = same_joints(found[0].people)
    mean, shared = compare(same_joints(whole[0].people), people)
    ids = boxes_of(people)
    return {
        "people": round(float(np.mean([len(poses) for poses in people])), 2),
        "OKS with the whole": mean,
        "of its people %": round(100 * shared, 2),
        "IDF1": round(idf1(true, ids), 2),
        "switches": switches(true, ids),
        "jitter, % of height": round(jitter(people), 3),
    }
