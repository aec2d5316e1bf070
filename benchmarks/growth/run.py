"""Milliseconds by people: estimation and refinement in given boxes, and whole frames.

People given: estimator and refiner are called with the boxes that were pasted. People found: whole
frames go through detector, estimator, refiner and tracker, one after the other, on one thread. The
numbers of people take turns, so that a machine that others use too slows all of them.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.calls import Call, noted
from steadypose.benchmarks.growth.scenes import Scene, cut_people, make_scene
from steadypose.benchmarks.records import Origin, Record, distribution
from steadypose.configs import load_config
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.following import Follower
from steadypose.stream.steps import alone
from steadypose.stream.timing import Stopwatch

_WARM_UP = 2
"""Frames of a round that do not count."""
_TEN = 10


@dataclass(eq=False)
class Spent:
    """What frames with one number of people took, in milliseconds.

    ``processor`` is of estimation and refinement, all threads.
    """

    estimate: list[float] = field(default_factory=list)
    refine: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    frame: list[float] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    batches: dict[str, list[int]] = field(default_factory=dict)

    @property
    def both(self) -> list[float]:
        """Estimation and refinement of the same frame."""
        if not self.refine:
            return self.estimate
        return [a + b for a, b in zip(self.estimate, self.refine, strict=True)]


def run(options: argparse.Namespace) -> int:
    """Measure with every preset, print the tables, append the records."""
    origin, found = Origin.of(options), []
    for preset in options.config:
        overrides: dict[str, Any] = {
            "refiner": {"enabled": options.refiner == "on"},
            "runtime": {"device": options.device},
        }
        room = EngineRoom.load(load_config(preset, overrides))
        cutouts, ground = cut_people(options.clip, room.detector)
        scenes = {n: make_scene(cutouts, ground, n, options.frames) for n in options.people}
        spent = measure(room, scenes, options.rounds)
        for record in _records(preset, options, spent):
            found.append(record)
            records.append(options.json, [record], origin)
            records.tell(record)
    print(tables.markdown([records.as_line(record, origin) for record in found]), end="")
    return 0


def measure(room: EngineRoom, scenes: dict[int, Scene], rounds: int) -> dict[int, Spent]:
    """Let the numbers of people take turns, ``rounds`` times."""
    spent = {people: Spent() for people in scenes}
    for _ in range(rounds):
        for people, scene in scenes.items():
            _given(room, scene, spent[people])
            _found(room, scene, spent[people])
    return spent


def _given(room: EngineRoom, scene: Scene, spent: Spent) -> None:
    """Estimate and refine in the boxes that were pasted."""
    with noted(room) as calls:
        for number, (frame, boxes) in enumerate(zip(scene.frames, scene.boxes, strict=True)):
            calls.clear()
            started, processor = time.perf_counter(), time.process_time()
            poses = room.estimator.estimate(frame.image, boxes)
            between = time.perf_counter()
            if room.refiner is not None:
                room.refiner.refine(frame.image, poses)
            ended, worked = time.perf_counter(), time.process_time() - processor
            if number < _WARM_UP:
                continue
            spent.processor.append(1e3 * worked)
            spent.estimate.append(1e3 * (between - started))
            if room.refiner is not None:
                spent.refine.append(1e3 * (ended - between))
        spent.batches = _batches(calls)


def _batches(calls: Sequence[Call]) -> dict[str, list[int]]:
    """Crops of each call of a network for one frame."""
    stages = dict.fromkeys(call.stage for call in calls)
    return {name: [call.shape[0] for call in calls if call.stage == name] for name in stages}


def _found(room: EngineRoom, scene: Scene, spent: Spent) -> None:
    """Whole frames, stage after stage."""
    follower = Follower(room)
    for number, frame in enumerate(scene.frames):
        watch = Stopwatch()
        started = time.perf_counter()
        result = alone(room, follower.whole(frame, watch))
        if number >= _WARM_UP:
            spent.frame.append(1e3 * (time.perf_counter() - started))
            spent.stages.append({name: 1e3 * s for name, s in watch.seconds.items()})
            spent.found.append(len(result.poses))


def _records(preset: str, options: argparse.Namespace, spent: dict[int, Spent]) -> Iterator[Record]:
    clip = options.clip.name
    config = {"refiner": options.refiner, "device": options.device}
    for people, each in spent.items():
        yield Record(
            what="growth",
            case={"clip": clip, "preset": preset, "people": people},
            values={
                "estimate + refine ms": distribution(each.both),
                "processor ms": distribution(each.processor),
                "estimate ms": distribution(each.estimate),
                "refine ms": distribution(each.refine),
                "crops a call": _said(each.batches),
                "whole frame ms": distribution(each.frame),
                "people found": round(float(np.mean(each.found)), 2),
            },
            n=len(each.both),
            config=config,
            more={"batches": each.batches, "stage_ms": _means(each.stages)},
        )
    if len(spent) > 1:
        yield Record(
            what="growth fit",
            case={"clip": clip, "preset": preset},
            values={
                **_fit("estimate + refine", {n: each.both for n, each in spent.items()}),
                **_fit("processor", {n: each.processor for n, each in spent.items()}),
                **_fit("whole frame", {n: each.frame for n, each in spent.items()}),
            },
            n=len(spent),
            config=config,
        )


def _said(batches: dict[str, list[int]]) -> str:
    return "; ".join(f"{name} {' + '.join(map(str, sizes))}" for name, sizes in batches.items())


def _means(stages: Sequence[dict[str, float]]) -> dict[str, float]:
    totals: Counter[str] = Counter()
    for each in stages:
        totals.update(each)
    return {name: round(total / len(stages), 3) for name, total in totals.items()}


def _fit(name: str, spent: dict[int, list[float]]) -> dict[str, float | None]:
    """A line through the medians, how well it fits, and ten people against one.

    The *order* is the slope in logarithms: 1 where twice the people take twice as long, less where
    they take less than that.
    """
    people = np.array(list(spent), float)
    ms = np.array([np.median(values) for values in spent.values()])
    slope, start = np.polyfit(people, ms, 1)
    rest = float(((ms - (start + slope * people)) ** 2).sum())
    whole = float(((ms - ms.mean()) ** 2).sum())
    median = dict(zip(spent, ms.tolist(), strict=True))
    ten = median[_TEN] / median[1] if {1, _TEN} <= median.keys() else None
    return {
        f"{name}, ms a frame": round(float(start), 2),
        f"{name}, ms a person": round(float(slope), 2),
        f"{name}, R2": round(1 - rest / whole, 4) if whole else None,
        f"{name}, order": round(float(np.polyfit(np.log(people), np.log(ms), 1)[0]), 3),
        f"{name}, 10 people by 1": None if ten is None else round(ten, 2),
    }
