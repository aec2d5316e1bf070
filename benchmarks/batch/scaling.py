"""Frames per second of a batch by the number of jobs."""

from __future__ import annotations

import json
import os
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadypose.benchmarks.batch.clips import run_batch
from steadypose.benchmarks.machine import on_cores
from steadypose.errors import InputError


@dataclass(frozen=True)
class Variant:
    """A way to run the batch: its options, and how many cores it may use (0: all)."""

    name: str
    options: tuple[str, ...]
    cores: int = 0


ONE_CORE, ONE_THREAD, ONE_JOB = "1 job, 1 core", "1 job, 1 thread", "1 job, all threads"
VARIANTS = (
    Variant(ONE_CORE, ("--jobs", "1"), 1),
    Variant(ONE_THREAD, ("--jobs", "1", "--runtime.threads", "1")),
    Variant(ONE_JOB, ("--jobs", "1")),
    Variant("2 jobs", ("--jobs", "2")),
    Variant("2 jobs, all threads each", ("--jobs", "2", "--runtime.threads", "0")),
    Variant("1 job, 2 share", ("--jobs", "1", "--share", "2")),
)
"""One job on all cores decodes, finds people, poses and writes side by side, so that it uses more
than one core even where each network has one thread. What two cores bring is seen against one.
The last but one is what sharing out the threads avoids."""


def measure_scaling(
    clips: Sequence[Path], work: Path, *, config: str, rounds: int
) -> list[dict[str, Any]]:
    """Run the clips with every variant in turn, ``rounds`` times over; medians of frames/s.

    ``fps`` counts the whole command, ``steady_fps`` from the first video begun to the last done,
    without the start of Python and the loading of networks. ``frames_per_cpu_s`` tells what a
    second of one core brings, start included, and ``cores_used`` how many cores that were: where
    other programs take turns with the batch, speed says how many threads it asks for, and these how
    well they are used. ``steady_against`` is the speed as a multiple of that of other variants.

    Raises:
        InputError: The system cannot keep a program to one core (Linux can).
    """
    if not hasattr(os, "sched_setaffinity"):
        raise InputError("bench batch scaling: this system cannot keep a program to one core")
    seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for turn in range(rounds):
        for number, variant in enumerate(VARIANTS):
            output = work / f"scaling-{turn}-{number}"
            for name, value in measure(clips, output, variant, config).items():
                seen[variant.name][name].append(value)
    found = {
        variant: {name: statistics.median(values) for name, values in figures.items()}
        for variant, figures in seen.items()
    }
    return [
        {
            "variant": variant,
            "config": config,
            "clips": len(clips),
            "rounds": rounds,
            **{name: round(value, 2) for name, value in figures.items()},
            "steady_against": {
                base: round(figures["steady_fps"] / found[base]["steady_fps"], 2)
                for base in (ONE_CORE, ONE_THREAD, ONE_JOB)
            },
        }
        for variant, figures in found.items()
    ]


def measure(clips: Sequence[Path], output: Path, variant: Variant, config: str) -> dict[str, float]:
    """Figures of one run, as ``measure_scaling`` gives their medians."""
    started, before = time.perf_counter(), _cpu_s()
    with on_cores(variant.cores):
        run_batch(clips, output, variant.options, config=config)
    took, used = time.perf_counter() - started, _cpu_s() - before
    frames, span = _frames_and_span(output)
    return {
        "fps": frames / took,
        "steady_fps": frames / span,
        "frames_per_cpu_s": frames / used,
        "cores_used": used / took,
    }


def _cpu_s() -> float:
    """Processor seconds of all children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _frames_and_span(output: Path) -> tuple[int, float]:
    manifest = json.loads((output / "steadypose-batch.json").read_text(encoding="utf-8"))
    lines = (output / ".steadypose/journal.jsonl").read_text(encoding="utf-8").splitlines()
    times = [json.loads(line)["time"] for line in lines]
    return sum(video["frames"] for video in manifest["videos"]), max(times) - min(times)
