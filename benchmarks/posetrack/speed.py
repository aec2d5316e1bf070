"""``steadypose bench posetrack``: how long evaluation takes, and how much memory.

Ours takes turns with poseval's pipeline: distances pair by pair and joint by joint, once for AP and
once for MOTA, then an accumulator of py-motmetrics for each joint and sequence. Files are read and
frames paired by our code in both. The memory is that of a process that evaluates the set once, and
so many times over under other names.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.benchmarks import records
from steadypose.benchmarks.posetrack import by_motmetrics
from steadypose.benchmarks.posetrack.by_motmetrics import LoopedScene
from steadypose.benchmarks.posetrack.clip import JOINTS, Clip
from steadypose.benchmarks.posetrack.evaluation import Evaluation
from steadypose.benchmarks.posetrack.metrics.clear import ClearCounts
from steadypose.benchmarks.posetrack.pairs import Pairs
from steadypose.benchmarks.posetrack.scenes import scenes
from steadypose.benchmarks.posetrack.scores import AveragePrecision, poseval_pairings
from steadypose.benchmarks.records import Origin, Record, median_of


def run(options: argparse.Namespace) -> int:
    """Measure, print, append the record. Raises InputError, OutputError."""
    pairs = Pairs(options.gt, options.pred)
    by_motmetrics.motmetrics()
    ways: dict[str, Callable[[Pairs], np.ndarray[Any, Any]]] = {
        "steadypose": ours,
        "motmetrics": theirs,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    totals = {}
    for _ in range(options.rounds):
        for name, way in ways.items():
            begun, worked = time.perf_counter(), time.process_time()
            totals[name] = way(pairs)
            seconds[name].append(round(time.perf_counter() - begun, 3))
            cpu[name].append(round(time.process_time() - worked, 3))
    memory = {str(n): peak_mib(options.gt, options.pred, n) for n in (1, options.times)}
    record = {
        "sequences": len(pairs.names()),
        "seconds": seconds,
        "cpu_seconds": cpu,
        "ratio": _ratio(seconds),
        "cpu_ratio": _ratio(cpu),
        "largest_difference": float(np.nanmax(np.abs(totals["steadypose"] - totals["motmetrics"]))),
        "peak_mib_by_times": memory,
    }
    _tell(record)
    records.append(options.json, [as_record(record)], Origin.of(options))
    return 0


def as_record(found: dict[str, Any]) -> Record:
    """As it is written."""
    names = {"steadypose": "ours", "motmetrics": "poseval's way"}
    return Record(
        what="posetrack",
        case={"sequences": found["sequences"]},
        values={
            **{f"{names[k]}, s": median_of(each) for k, each in found["seconds"].items()},
            **{
                f"{names[k]}, processor s": median_of(each)
                for k, each in found["cpu_seconds"].items()
            },
            "times as long": found["ratio"],
            "times the processor time": found["cpu_ratio"],
            "largest difference": found["largest_difference"],
            **{f"peak MiB, {n} times": peak for n, peak in found["peak_mib_by_times"].items()},
        },
        n=len(found["seconds"]["steadypose"]),
        more={"seconds": found["seconds"], "processor_seconds": found["cpu_seconds"]},
    )


def _ratio(seconds: dict[str, list[float]]) -> float:
    """How many times as long motmetrics takes, by the medians."""
    ours, theirs = (float(np.median(seconds[name])) for name in ("steadypose", "motmetrics"))
    return round(theirs / ours, 1)


def ours(pairs: Pairs) -> np.ndarray[Any, Any]:
    """AP and MOTA of all, ``(2, 15)``."""
    evaluation = Evaluation(("ap", "mota"), "official")
    for truth, found in pairs:
        evaluation.add(truth, found)
    total = evaluation.total()
    ap, mota = total.ap or {}, total.mota or {}
    return np.stack([ap["AP"].joints, mota["MOTA"].joints])


def theirs(pairs: Pairs) -> np.ndarray[Any, Any]:
    """The same in poseval's way."""
    ap, counts = AveragePrecision("official"), ClearCounts.zeros(JOINTS)
    for truth, found in pairs:
        frames = scenes(truth, found, "poseval")
        ap.add([LoopedScene.of(frame) for frame in frames])
        again = [LoopedScene.of(frame) for frame in frames]
        counts += by_motmetrics.count(poseval_pairings(again))
    return np.stack([ap.total()["AP"].joints, counts.mota()])


def peak_mib(truth: Path, found: Path, times: int) -> float:
    """Peak memory, in MiB, of a process that evaluates the set so many times over."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_evaluate_times, args=(truth, found, times, sender))
    process.start()
    peak = float(receiver.recv())
    process.join()
    return round(peak, 1)


def _evaluate_times(truth: Path, found: Path, times: int, sender: Any) -> None:
    evaluation = Evaluation(("ap", "mota", "hota"), "official")
    for pair in _repeated(Pairs(truth, found), times):
        evaluation.add(*pair)
    evaluation.total()
    sender.send(_peak_mib())


def _peak_mib() -> float:
    """Most memory that this process ever held.

    Not getrusage's: that counts what the parent held when it started this process.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _repeated(pairs: Pairs, times: int) -> Iterator[tuple[Clip, Clip]]:
    for n in range(times):
        for truth, found in pairs:
            yield replace(truth, name=f"{truth.name}-{n}"), found


def _tell(record: dict[str, Any]) -> None:
    for name, times in record["seconds"].items():
        cpu = np.median(record["cpu_seconds"][name])
        print(f"{name}: {np.median(times):.2f} s, {cpu:.2f} s of processor time (medians)")
    print(
        f"poseval's pipeline takes {record['ratio']} times as long and {record['cpu_ratio']} "
        "times as much processor time"
    )
    print(f"largest difference of AP and MOTA: {record['largest_difference']:.1e}")
    for times, peak in record["peak_mib_by_times"].items():
        print(f"the set {times} times over: {peak} MiB")
