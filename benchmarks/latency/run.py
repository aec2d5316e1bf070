"""How old a result is, by a camera that writes the time into its pictures.

``steadypose bench latency`` starts a camera as a process of its own (x264 without delay, RTSP or
HTTP over loopback), follows it with nothing behind (the decoder floor), then through the whole
pipeline, then bare again. Every picture tells its number and when it was sent, so the age of every
result is exact: from before the encoder of the camera to the poses.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks import records
from steadypose.benchmarks.latency import barcode
from steadypose.benchmarks.latency.memory import MemoryWatch
from steadypose.benchmarks.latency.outages import measure_outages
from steadypose.benchmarks.latency.records import Ages, LatencyRecord, after_warm_up
from steadypose.benchmarks.latency.slopes import slope
from steadypose.benchmarks.records import Origin, Record
from steadypose.configs import Config, load_config
from steadypose.engines import zoo
from steadypose.errors import InputError, SteadyposeError
from steadypose.stream.memory import give_pictures_back
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.records import FrameResult
from steadypose.stream.sources import LiveSource
from steadypose.stream.viewer_age import ViewerAge

_FLOOR_S = 10.0
_SETTLE_S = 2.0
_OVERLOAD = ("accurate", {"detector": {"every": 1}, "refiner": {"enabled": False}})


@contextmanager
def camera_process(options: argparse.Namespace) -> Iterator[str]:
    """A camera as a process of its own; yields its URL.

    Raises:
        InputError: It did not start.
    """
    command = [sys.executable, "-m", "steadypose.benchmarks.latency.camera"]
    command += [
        "--transport",
        options.transport,
        "--size",
        options.size,
        "--fps",
        f"{options.fps:g}",
    ]
    clip = options.clip or _demo_clip()
    command += ["--clip", str(clip)] if clip else []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            said = process.stderr.read().decode().strip().splitlines() if process.stderr else []
            raise InputError(f"the camera did not start: {said[-1] if said else 'no reason given'}")
        try:
            yield json.loads(line)["url"]
        finally:
            process.communicate()


def _demo_clip() -> Path | None:
    """The sample clip, if it is in the cache: the camera then shows people."""
    try:
        return zoo.locate("demo-clip")
    except SteadyposeError:
        return None


class _Watch:
    """What is noted while results come, in memory that is taken at once.

    Args:
        most: Results that can come at most.
    """

    def __init__(self, most: int) -> None:
        self._rows = np.full((most, 5), 0.0)
        self._count = 0
        self.viewer = ViewerAge()
        self.unread = 0

    def add(self, result: FrameResult) -> None:
        """Take a result."""
        stamp = barcode.read(result.frame.image)
        if stamp is None or self._count == len(self._rows):
            self.unread += stamp is None
            return
        ready_s = result.frame.captured_s + result.age_s
        compute_s = sum(s for name, s in result.stage_s.items() if name != "decode")
        decoded_s = result.frame.captured_s - stamp.sent_s
        row = (ready_s, ready_s - stamp.sent_s, decoded_s, compute_s, len(result.poses))
        self._rows[self._count] = row
        self._count += 1
        self.viewer.add(stamp.sent_s, ready_s, result.frame.epoch)

    @property
    def rows(self) -> NDArray[np.float64]:
        """``(N, 5)``: ready, age, age when decoded, compute (seconds), people of each result."""
        return self._rows[: self._count]


def floor_ages(url: str, config: Config, seconds: float) -> list[float]:
    """Ages of pictures when they are decoded, with nothing behind, after settling."""
    source = LiveSource(url, settings=config.live)
    ages: list[float] = []
    started: float | None = None
    for frame in source:
        now = time.monotonic()
        started = started or now
        stamp = barcode.read(frame.image)
        if stamp is not None and now - started > _SETTLE_S:
            ages.append(now - stamp.sent_s)
        if now - started > _SETTLE_S + seconds:
            break
    return ages


def measure(
    url: str, pipeline: Pipeline, options: argparse.Namespace, preset: str
) -> LatencyRecord:
    """Follow a camera for a while, bare and with all stages."""
    floor = floor_ages(url, pipeline.config, _FLOOR_S)
    source = LiveSource(url, settings=pipeline.config.live)
    run, watch = pipeline.run(source), _Watch(round(2 * options.fps * options.seconds) + 100)
    started: float | None = None
    memory = MemoryWatch(_SETTLE_S + options.seconds)
    try:
        for result in run:
            now = time.monotonic()
            started = started or now
            if now - started > _SETTLE_S:
                watch.add(result)
            if now - started > _SETTLE_S + options.seconds:
                break
            del result
    finally:
        memory.close()
    floor += floor_ages(url, pipeline.config, _FLOOR_S)
    live, results = source.status.snapshot(), run.times.stages["track"].count
    if not len(watch.rows):
        raise InputError(f"{url}: no picture with a readable bar code came")
    ready_s, age_s, decoded_s, compute_s, people = watch.rows.T
    sampled_s, resident, in_use = memory.rows.T
    return LatencyRecord(
        transport=options.transport,
        size=options.size,
        fps=options.fps,
        preset=preset,
        seconds=options.seconds,
        floor=Ages.of(floor),
        decoded=Ages.of(decoded_s),
        compute=Ages.of(compute_s),
        waiting=Ages.of(age_s - decoded_s - compute_s),
        age=Ages.of(age_s),
        viewer=Ages.of_distribution(watch.viewer.ages),
        received=live.frames,
        results=results,
        dropped=run.dropped,
        damaged=live.damaged + watch.unread,
        reconnects=live.reconnects,
        overload=round(live.frames / results, 2),
        people=round(float(people.mean()), 2),
        age_slope_ms=slope(*after_warm_up(ready_s, 1e3 * age_s)),
        rss_slope_mb=slope(*after_warm_up(sampled_s, resident)),
        heap_slope_mb=None if np.isnan(in_use[0]) else slope(*after_warm_up(sampled_s, in_use)),
        rss_mb=round(float(resident[-1]), 1),
    )


def run(options: argparse.Namespace) -> int:
    """Measure, print, and append the records to a file if asked to."""
    if options.outages:
        origin = Origin.of(options)
        for outage in measure_outages():
            print(_told(outage), flush=True)
            records.append(options.json, [outage], origin)
        return 0
    give_pictures_back()  # as the commands for live sources do
    wanted = [(options.config, {})] if not options.overload else [_OVERLOAD]
    for preset, overrides in wanted:
        pipeline = Pipeline(load_config(preset, overrides))
        name = preset + (" --detect-every 1" if overrides else "")
        with camera_process(options) as url:
            record = measure(url, pipeline, options, name)
        print("\n".join(record.lines()), flush=True)
        records.append(options.json, [record.record()], Origin.of(options))
    return 0


def _told(outage: Record) -> str:
    """An outage's record in a line."""
    values = {
        name: f"at most {value['max']}" if isinstance(value, dict) else value
        for name, value in outage.values.items()
    }
    return f"{outage.case['outage']}: " + ", ".join(f"{k} {v}" for k, v in values.items())
