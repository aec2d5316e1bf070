"""Runs a clip in turns stage by stage, threaded, and the networks alone; tells what came of it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.calls import Call
from steadypose.benchmarks.profile import limits
from steadypose.benchmarks.profile.alone import Replay, graph_of
from steadypose.benchmarks.profile.flops import network_flops
from steadypose.benchmarks.profile.passes import Stepwise, Threaded, in_sequence, threaded
from steadypose.benchmarks.records import Origin, Record, median_of
from steadypose.configs import load_config
from steadypose.stream.engine_room import EngineRoom

STAGES = ("decode", "detect", "estimate", "refine", "track", "write")


@dataclass(eq=False)
class Measured:
    """All rounds of a clip with a preset; milliseconds are of a frame.

    Attributes:
        frames: In each round.
        people: Mean people of a frame.
        steps, threads: The rounds of either way.
        alone, processor, spinning: Milliseconds of each stage's network alone, round by round; by
            the processor's time; and with threads that wait actively.
        flops: Operations a frame of each stage's network.
    """

    frames: int
    people: float
    steps: list[Stepwise] = field(default_factory=list)
    threads: list[Threaded] = field(default_factory=list)
    alone: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)
    spinning: dict[str, list[float]] = field(default_factory=dict)
    flops: dict[str, float] = field(default_factory=dict)

    def step_ms(self, name: str) -> list[float]:
        """Of a stage, one stage at a time."""
        return [1e3 * s.seconds.get(name, 0.0) / s.frames for s in self.steps]

    def processor_ms(self, name: str) -> list[float]:
        """Of a stage, one stage at a time, all threads."""
        return [1e3 * s.processor.get(name, 0.0) / s.frames for s in self.steps]

    def thread_ms(self, name: str, what: str = "work_s") -> list[float]:
        """Of a stage in the pipeline, where the others run beside it."""
        stages = [t.summary["stages"].get(name, {}) for t in self.threads]
        return [1e3 * stage.get(what, 0.0) / self.frames for stage in stages]

    def network_ms(self, name: str, ways: Sequence[Stepwise | Threaded]) -> list[float]:
        """Of the calls of a stage's network."""
        return [1e3 * sum(_seconds(way.calls, name)) / self.frames for way in ways]


def _seconds(calls: Sequence[Call], stage: str) -> list[float]:
    return [call.seconds for call in calls if call.stage == stage]


def run(options: argparse.Namespace) -> int:
    """Measure every clip with every preset, print the tables, append the records."""
    origin, found = Origin.of(options), []
    for record in _measure_all(options):
        found.append(record)
        records.append(options.json, [record], origin)
        records.tell(record)
    print(tables.markdown([records.as_line(record, origin) for record in found]), end="")
    return 0


def _measure_all(options: argparse.Namespace) -> Iterator[Record]:
    gemm, memory = limits.gemm_gflops(options.threads), limits.memory_gb_s()
    for preset in options.config:
        overrides: dict[str, Any] = {
            "refiner": {"enabled": options.refiner == "on"},
            "runtime": {"device": "cpu", "cpu": "onnxruntime", "threads": options.threads},
        }
        room = EngineRoom.load(load_config(preset, overrides))
        for clip in options.clips:
            found = measure(room, clip, options.frames, options.rounds)
            case = {"clip": clip.name, "preset": preset, "refiner": options.refiner}
            decoded = limits.decode_alone(clip, options.frames)
            yield from _records(case, options.threads, found, gemm, memory, decoded)


def measure(room: EngineRoom, clip: Path, frames: int, rounds: int) -> Measured:
    """Let the ways take turns, after one pass that does not count."""
    first = in_sequence(room, clip, frames, keep=True)
    by_stage: dict[str, list[Call]] = {}
    for call in first.calls:
        by_stage.setdefault(call.stage, []).append(call)
    threads = room.config.runtime.threads
    found = Measured(frames=first.frames, people=first.people / first.frames)
    found.flops = {name: _flops(calls) / first.frames for name, calls in by_stage.items()}
    replays = {name: Replay(calls, threads) for name, calls in by_stage.items()}
    spinning = {name: Replay(calls, threads, spinning=True) for name, calls in by_stage.items()}
    for _ in range(rounds):
        found.steps.append(in_sequence(room, clip, frames))
        for name in replays:
            wall, processor = replays[name].seconds()
            found.alone.setdefault(name, []).append(1e3 * wall / first.frames)
            found.processor.setdefault(name, []).append(1e3 * processor / first.frames)
            wall, _ = spinning[name].seconds()
            found.spinning.setdefault(name, []).append(1e3 * wall / first.frames)
        found.threads.append(threaded(room, clip, frames))
    return found


def _flops(calls: Sequence[Call]) -> float:
    """Of all calls: each shape is counted once."""
    counts = Counter((call.engine, call.shape) for call in calls)
    one = {(call.engine, call.shape): call for call in calls}
    graphs = {engine: graph_of(engine) for engine, _ in counts}
    return float(
        sum(
            count * network_flops(graphs[engine], one[engine, shape].feeds)
            for (engine, shape), count in counts.items()
        )
    )


def _records(
    case: dict[str, Any],
    threads: int,
    found: Measured,
    gemm: dict[str, float],
    memory: float,
    decoded: tuple[float, float],
) -> Iterator[Record]:
    config = {"threads": threads, "rounds": len(found.steps)}
    known: dict[str, Any] = {"n": found.frames, "config": config}
    frame_ms = float(np.median([1e3 * s.total / s.frames for s in found.steps]))
    for name in STAGES:
        if any(found.step_ms(name)):
            values = _stage(name, found, frame_ms)
            yield Record(what="profile", case={**case, "stage": name}, values=values, **known)
    yield Record(what="profile verdict", case=case, values=_verdict(found, frame_ms), **known)
    yield Record(
        what="profile limits",
        case=case,
        values=_limits(found, gemm, memory, decoded),
        **known,
    )


def _stage(name: str, found: Measured, frame_ms: float) -> dict[str, Any]:
    """The row of a stage; what has no network has nothing to compare."""
    ms = float(np.median(found.step_ms(name)))
    values: dict[str, Any] = {
        "ms a frame": median_of(found.step_ms(name)),
        "% of the frame": round(100 * ms / frame_ms, 1),
        "processor ms": median_of(found.processor_ms(name)),
    }
    if name in found.alone:
        values |= {
            "in its network ms": median_of(found.network_ms(name, found.steps)),
            "network alone ms": median_of(found.alone[name]),
            "network alone, processor ms": median_of(found.processor[name]),
            "network alone, spinning ms": median_of(found.spinning[name]),
            "calls a frame": round(len(_seconds(found.steps[0].calls, name)) / found.frames, 2),
        }
    values["in the pipeline ms"] = median_of(found.thread_ms(name))
    values["waits for input ms"] = median_of(found.thread_ms(name, "wait_input_s"))
    values["waits to hand on ms"] = median_of(found.thread_ms(name, "wait_output_s"))
    return values


def _verdict(found: Measured, frame_ms: float) -> dict[str, Any]:
    """The slowest stage beside its network alone, and what a frame takes besides."""
    slowest = max(found.alone, key=lambda name: float(np.median(found.step_ms(name))))
    alone = found.alone[slowest]
    intervals = [1e3 * t.summary["elapsed_s"] / found.frames for t in found.threads]
    outside = [
        100 * (1 - sum(sum(_seconds(s.calls, name)) for name in found.alone) / s.total)
        for s in found.steps
    ]
    idle = [
        100 * (1 - alone / sum(found.processor_ms(name)[n] for name in STAGES))
        for n, alone in enumerate(map(sum, zip(*found.processor.values(), strict=True)))
    ]
    beside = [
        100 * (1 - work / each)
        for work, each in zip(found.thread_ms(slowest), intervals, strict=True)
    ]
    return {
        "people": round(found.people, 2),
        "stage by stage ms": round(frame_ms, 2),
        "pipeline ms": median_of(intervals),
        "pipeline frames/s": round(1e3 / float(np.median(intervals)), 2),
        "processor ms": round(float(np.median([t.processor_s for t in found.threads])) * 1e3
                              / found.frames, 2),
        "slowest stage": slowest,
        "% of its network alone": _shares(alone, found.step_ms(slowest)),
        "% of it by the processor's time": _shares(
            found.processor[slowest], found.processor_ms(slowest)
        ),
        "% of it in the pipeline": _shares(alone, found.thread_ms(slowest)),
        "rest of the frame, outside of networks %": median_of(outside),
        "rest of the frame, outside of networks, by the processor's time %": median_of(idle),
        "rest of the pipeline's frame, beside the slowest stage %": median_of(beside),
    }  # fmt: skip


def _shares(alone: Sequence[float], stage: Sequence[float]) -> dict[str, float]:
    return median_of([100 * a / s for a, s in zip(alone, stage, strict=True)])


def _limits(
    found: Measured, gemm: dict[str, float], memory: float, decoded: tuple[float, float]
) -> dict[str, Any]:
    """Arithmetic of a frame over what matrices are multiplied at, and decoding alone."""
    best = max(gemm.values())
    flops = sum(found.flops.values()) / 1e9
    alone = sum(float(np.median(each)) for each in found.alone.values())
    return {
        "network GFLOP a frame": round(flops, 3),
        **{f"GEMM by {name} GFLOP/s": round(rate, 1) for name, rate in gemm.items()},
        "networks at that rate ms": round(1e3 * flops / best, 2),
        "networks alone ms": round(alone, 2),
        "networks alone GFLOP/s": round(1e3 * flops / alone, 1),
        "% of GEMM": round(100 * 1e3 * flops / alone / best, 1),
        "memory GB/s": round(memory, 2),
        "decode alone ms": round(decoded[0], 2),
        "decode alone, processor ms": round(decoded[1], 2),
    }
