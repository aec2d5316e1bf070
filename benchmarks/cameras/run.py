"""What a dead and a fast camera do to the frame age of the others.

``steadypose bench cameras CLIP [--fps 30] [--fast-fps 60] [--seconds 10] [--rounds 5]`` plays
frames of the clip, decoded beforehand, as live cameras on one engine room. In turns it lets

* ``even``: four cameras give ``--fps`` frames/s each,
* ``uneven``: one of them is dead and one gives ``--fast-fps``,

and prints for both the frame age of the two that are the same in either, and how far it moved.

On a machine that others use that says little. ``--simulate MS`` runs the same choice of frames in
a time of its own, with networks that take exactly so long for every frame of a batch.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.records import Origin, Record, median_of
from steadypose.configs import load_config
from steadypose.errors import InputError
from steadypose.frame import Frame
from steadypose.stream.cameras import CameraGroup
from steadypose.stream.cameras.intake import Intake
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.records import FrameResult, Source, SourceInfo
from steadypose.stream.sources import open_source

_FRAMES = 60
_WARM_UP_S = 2.0
_SAME = ("a", "b")


class MemoryCamera:
    """Gives pictures in memory at a steady rate; none at a rate of 0."""

    def __init__(self, images: list[NDArray[np.uint8]], fps: float) -> None:
        self.info = SourceInfo(name="memory", stem="memory", live=True, fps=fps or None)
        self.warnings: list[str] = []
        self._images, self._fps = images, fps
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        """Frames when they are due, until ``close``."""
        if not self._fps:
            self._closed.wait()
            return
        # To and fro, so that people never jump.
        order = [*range(len(self._images)), *range(len(self._images) - 2, 0, -1)]
        started = time.monotonic()
        for index, n in enumerate(itertools.cycle(order)):
            due = started + index / self._fps
            if self._closed.wait(max(0.0, due - time.monotonic())):
                return
            yield Frame(index, index / self._fps, time.monotonic(), self._images[n], "memory")

    def close(self) -> None:
        """End the iteration."""
        self._closed.set()


def measure(
    room: EngineRoom, images: list[NDArray[np.uint8]], rates: dict[str, float], seconds: float
) -> tuple[list[float], dict[str, int]]:
    """Frame ages in seconds of the cameras that are the same, and results of every camera."""
    ages: list[float] = []
    counts = dict.fromkeys(rates, 0)
    begin = time.monotonic() + _WARM_UP_S

    def note(name: str, result: FrameResult) -> None:
        if time.monotonic() >= begin:
            counts[name] += 1
            if name in _SAME:
                ages.append(result.age_s)

    def opener(fps: float) -> Callable[[], Source]:
        return lambda: MemoryCamera(images, fps)

    with CameraGroup(room, {name: opener(fps) for name, fps in rates.items()}, note):
        time.sleep(_WARM_UP_S + seconds)
    return ages, counts


def simulate(
    rates: dict[str, float], service_s: float, seconds: float, seed: int = 0
) -> tuple[list[float], dict[str, int]]:
    """What ``measure`` gives, for networks that take ``service_s`` a frame, in simulated time."""
    random = np.random.default_rng(seed)
    due = {name: random.uniform(0, 1 / fps) for name, fps in rates.items() if fps}
    counts, ages, now = dict.fromkeys(rates, 0), [], 0.0
    intake: Intake[float] = Intake(list(rates), clock=lambda: now)

    def pass_to(end: float) -> None:
        """Let time go on; frames come a little early or late, as they do."""
        nonlocal now
        while due and min(due.values()) <= end:
            name = min(due, key=lambda camera: due[camera])
            now = max(now, due[name])
            intake.put(name, now)
            due[name] += (1 + random.normal(0, 0.03)) / rates[name]
        now = end

    while now < seconds:
        patience = intake.patience()
        if patience != 0:
            pass_to(min([now + (patience or np.inf), *due.values()]))
            continue
        batch = intake.take()
        pass_to(now + service_s * len(batch))
        for name, came in batch:
            counts[name] += 1
            if name in _SAME:
                ages.append(now - came)
    return ages, counts


def run(options: argparse.Namespace) -> int:
    """Say each round on stderr, print the medians, append the record."""
    fps, fast, networks = options.fps, options.fast_fps, options.config
    if options.simulate:
        networks = f"simulated networks, {options.simulate:g} ms a frame"
    else:
        images = _images(options.clip)
        room = EngineRoom.load(load_config(options.config))
    scenarios = {
        "even": {"a": fps, "b": fps, "c": fps, "d": fps},
        "uneven": {"a": fps, "b": fps, "c": 0.0, "d": fast},
    }
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in scenarios}
    results = []
    for n in range(options.rounds):
        for name, rates in scenarios.items():
            if options.simulate:
                ages, counts = simulate(rates, options.simulate / 1e3, options.seconds, n)
            else:
                ages, counts = measure(room, images, rates, options.seconds)
            if not ages:
                raise InputError("no result came in time; allow more with --seconds")
            p50, p95 = np.percentile(ages, [50, 95]) * 1e3
            rows[name].append((float(p50), float(p95)))
            results.append({"scenario": name, **counts})
            print(f"{name}: p50 {p50:.1f}, p95 {p95:.1f} ms; results {counts}", file=sys.stderr)
    record, origin = _record(options, networks, rows, results), Origin.of(options)
    print(tables.markdown([records.as_line(record, origin)]), end="")
    records.append(options.json, [record], origin)
    return 0


def _record(
    options: argparse.Namespace,
    networks: str,
    rows: dict[str, list[tuple[float, float]]],
    results: list[dict[str, Any]],
) -> Record:
    p50 = {name: [row[0] for row in each] for name, each in rows.items()}
    even, uneven = (float(np.median(each)) for each in p50.values())
    return Record(
        what="cameras",
        case={"networks": networks, "frames/s": options.fps, "fast frames/s": options.fast_fps},
        values={
            **{f"{name}, p50 ms": median_of(each) for name, each in p50.items()},
            **{f"{name}, p95 ms": median_of([row[1] for row in rows[name]]) for name in rows},
            "uneven against even %": round(100 * (uneven / even - 1), 2),
        },
        n=options.rounds,
        config={"seconds": options.seconds},
        more={"results": results},
    )


def _images(clip: Path) -> list[NDArray[np.uint8]]:
    source = open_source(clip, max_frames=_FRAMES)
    images = [frame.image for frame in source]
    source.close()
    if len(images) < 2:
        raise InputError(f"{clip}: expected a clip of two frames or more")
    return images
