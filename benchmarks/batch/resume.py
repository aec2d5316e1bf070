"""Killed at random moments and resumed: the results must be those of an uninterrupted run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from steadypose.benchmarks.batch.clips import batch_command, run_batch


def check_resume(
    clips: Sequence[Path], work: Path, *, config: str, options: Sequence[str], kills: int, seed: int
) -> dict[str, Any]:
    """Run the clips without a break, then again with ``kills`` SIGKILLs, and compare.

    Returns:
        What was found; ``same`` and ``done_once`` must be true.
    """
    whole, broken = work / "whole", work / "broken"
    started = time.monotonic()
    run_batch(clips, whole, options, config=config)
    whole_s = time.monotonic() - started
    begun_s, ended_s = _times(whole)
    chance = random.Random(seed)  # noqa: S311 - no secret, but the same moments on every run
    finished_at = []
    for _ in range(kills):
        # The moments are spread so that the last of them comes before the work is done.
        delay = chance.random() * 2 * (ended_s - begun_s) / (kills + 1)
        finished_at.append(_run_and_kill(clips, broken, options, config, delay))
    run_batch(clips, broken, options, config=config)
    first, second = results_of(whole), results_of(broken)
    events = _journal(broken)
    return {
        "clips": len(clips),
        "config": config,
        "options": list(options),
        "kills": kills,
        "seed": seed,
        "uninterrupted_s": round(whole_s, 1),
        "done_at_each_kill": finished_at,
        "files_compared": len(first),
        "bytes_compared": sum(map(len, first.values())),
        "different": sorted(k for k in first.keys() | second if first.get(k) != second.get(k)),
        "same": first == second,
        "begun": sum(event["event"] == "begun" for event in events),
        "done_once": begun_after_done(events) == [],
        "half_written_left": sorted(p.name for p in broken.rglob("*.part")),
    }


def _journal(output: Path) -> list[dict[str, Any]]:
    path = output / ".steadypose/journal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _times(output: Path) -> tuple[float, float]:
    """When the first video was begun and the last one ended, in seconds."""
    times = [float(event["time"]) for event in _journal(output)]
    return min(times), max(times)


def results_of(folder: Path) -> dict[str, bytes]:
    """Every result file by its name; not summaries, manifest and journal, which hold times."""
    files = [p for p in folder.rglob("*") if p.is_file() and ".steadypose" not in p.parts]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if not path.name.endswith((".summary.json", "steadypose-batch.json"))
    }


def begun_after_done(events: Sequence[dict[str, Any]]) -> list[str]:
    """Videos that were begun again after they had been finished, or finished twice."""
    done: Counter[str] = Counter()
    again = []
    for event in events:
        if event["event"] == "done":
            done[event["video"]] += 1
        if (event["event"] == "begun" and done[event["video"]]) or done[event["video"]] > 1:
            again.append(event["video"])
    return again


def _run_and_kill(
    clips: Sequence[Path], output: Path, options: Sequence[str], config: str, delay_s: float
) -> int:
    """Kill a batch ``delay_s`` after it began its first clip; how many clips are done then.

    Only the command is killed; its workers must end by themselves.
    """
    command = batch_command(clips, output, options, config=config)
    before = len(_journal(output))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(_journal(output)) == before and process.poll() is None:
        time.sleep(0.02)
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return len(list(output.rglob("*.summary.json"))) if output.exists() else 0
