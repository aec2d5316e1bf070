"""Frames per second of a batch by the number of jobs."""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from steadypose.benchmarks.batch.clips import run_batch

VARIANTS: dict[str, tuple[str, ...]] = {
    "1 job, 1 thread": ("--jobs", "1", "--runtime.threads", "1"),
    "1 job, all threads": ("--jobs", "1"),
    "2 jobs": ("--jobs", "2"),
    "2 jobs, all threads each": ("--jobs", "2", "--runtime.threads", "0"),
}
"""The last one is what sharing out the threads avoids."""


def measure_scaling(
    clips: Sequence[Path], work: Path, *, config: str, rounds: int
) -> list[dict[str, Any]]:
    """Run the clips with every variant in turn, ``rounds`` times over; medians of frames/s.

    ``fps`` counts the whole command, ``steady_fps`` from the first video begun to the last done,
    without the start of Python and the loading of networks. ``frames_per_cpu_s`` tells what a
    second of one core brings, start included: where other programs take turns with the batch,
    speed says how many threads it asks for, and this how well they are used.
    """
    whole: dict[str, list[float]] = {name: [] for name in VARIANTS}
    steady: dict[str, list[float]] = {name: [] for name in VARIANTS}
    thrift: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for turn in range(rounds):
        for number, (name, options) in enumerate(VARIANTS.items()):
            output = work / f"scaling-{turn}-{number}"
            started, before = time.perf_counter(), _cpu_s()
            run_batch(clips, output, options, config=config)
            took, used = time.perf_counter() - started, _cpu_s() - before
            frames, span = _frames_and_span(output)
            whole[name].append(frames / took)
            steady[name].append(frames / span)
            thrift[name].append(frames / used)
    base = {
        key: statistics.median(v["1 job, 1 thread"]) for key, v in (("w", whole), ("s", steady))
    }
    return [
        {
            "variant": name,
            "config": config,
            "clips": len(clips),
            "rounds": rounds,
            "fps": round(statistics.median(whole[name]), 2),
            "steady_fps": round(statistics.median(steady[name]), 2),
            "frames_per_cpu_s": round(statistics.median(thrift[name]), 2),
            "against_1_thread": round(statistics.median(whole[name]) / base["w"], 2),
            "steady_against_1_thread": round(statistics.median(steady[name]) / base["s"], 2),
        }
        for name in VARIANTS
    ]


def _cpu_s() -> float:
    """Processor seconds of all children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _frames_and_span(output: Path) -> tuple[int, float]:
    manifest = json.loads((output / "steadypose-batch.json").read_text(encoding="utf-8"))
    lines = (output / ".steadypose/journal.jsonl").read_text(encoding="utf-8").splitlines()
    times = [json.loads(line)["time"] for line in lines]
    return sum(video["frames"] for video in manifest["videos"]), max(times) - min(times)
