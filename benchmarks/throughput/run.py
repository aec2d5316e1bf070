"""Frames per second and memory of the whole ``track`` command, start-up and writing included.

``steadypose bench throughput CLIP... [--config fast balanced] [--json FILE]``, or ``python -m
steadypose.benchmarks.throughput``, runs the command as a user would, once for each clip
and preset, and prints what its summary says: frames/s of the command, frames/s of its slowest
stage alone, their ratio (how well the stages overlap), the time of each stage and the peak of
resident memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.records import Origin, Record
from steadypose.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """One run of the command.

    Attributes:
        clip: The file's name.
        config: The preset.
        options: Further options of the command.
        frames: Frames tracked.
        people: Mean people per frame.
        wall_s: Seconds from start to exit of the process.
        fps: ``frames / wall_s``.
        run_fps: Frames/s from the first decoded frame to the last one written.
        slowest: The stage with the most work.
        slowest_fps: Frames/s of that stage while it works.
        overlap: ``run_fps / slowest_fps``; 1 means that all other work is hidden behind it.
        cpu_s: Processor seconds, all threads.
        peak_mb: Peak resident memory in 10^6 bytes.
        stage_ms: Mean milliseconds of work per frame of each stage.
    """

    clip: str
    config: str
    options: tuple[str, ...]
    frames: int
    people: float
    wall_s: float
    fps: float
    run_fps: float
    slowest: str
    slowest_fps: float
    overlap: float
    cpu_s: float
    peak_mb: float
    stage_ms: dict[str, float]

    def record(self) -> Record:
        """As it is written."""
        return Record(
            what="throughput",
            case={"clip": self.clip, "preset": self.config, "options": " ".join(self.options)},
            values={
                "people": self.people,
                "frames/s": self.fps,
                "frames/s of the run": self.run_fps,
                "slowest stage": self.slowest,
                "slowest stage, frames/s": self.slowest_fps,
                "overlap": self.overlap,
                "wall s": self.wall_s,
                "processor s": self.cpu_s,
                "peak MB": self.peak_mb,
            },
            n=self.frames,
            more={"stage_ms": self.stage_ms},
        )


def measure(clip: Path, config: str, options: Sequence[str] = ()) -> Throughput:
    """Run the command on a clip. Raises InputError with what the command said when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "steadypose.stream.cli.main", "track", str(clip)]
        command += ["-o", folder, "--config", config, *options]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _, errors = process.communicate()
        wall = time.perf_counter() - started
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode:
            raise InputError(f"{clip}: the command failed: {errors.decode().strip()}")
        (path,) = Path(folder).glob("*.summary.json")
        summary = json.loads(path.read_text(encoding="utf-8"))
    return _record(clip, config, tuple(options), summary, wall, usage)


def _record(
    clip: Path,
    config: str,
    options: tuple[str, ...],
    summary: dict[str, Any],
    wall_s: float,
    usage: resource.struct_rusage,
) -> Throughput:
    frames = summary["frames"]
    stages = summary["stages"]
    slowest = max(stages, key=lambda name: stages[name]["work_s"])
    slowest_fps = frames / stages[slowest]["work_s"]
    return Throughput(
        clip=clip.name,
        config=config,
        options=options,
        frames=frames,
        people=summary["people"]["per_frame_mean"],
        wall_s=round(wall_s, 2),
        fps=round(frames / wall_s, 2),
        run_fps=summary["fps"],
        slowest=slowest,
        slowest_fps=round(slowest_fps, 2),
        overlap=round(summary["fps"] / slowest_fps, 3),
        cpu_s=round(usage.ru_utime + usage.ru_stime, 2),
        peak_mb=round(usage.ru_maxrss * 1024 / 1e6, 1),
        stage_ms={n: round(1e3 * s["work_s"] / frames, 2) for n, s in stages.items()},
    )


def _in_a_fresh_process(clip: Path, config: str, options: Sequence[str]) -> Throughput:
    """Measure from a child of its own, whose peak of children's memory is this run's alone."""
    code = (
        "import json, sys; from dataclasses import asdict; from pathlib import Path;"
        "from steadypose.benchmarks.throughput.run import measure;"
        "print(json.dumps(asdict(measure(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))))"
    )
    command = [sys.executable, "-c", code, str(clip), config, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(done.stderr.strip().splitlines()[-1])
    values = json.loads(done.stdout)
    return Throughput(**{**values, "options": tuple(values["options"])})


def run(options: argparse.Namespace) -> int:
    """Measure every clip with every preset, print the table, append the records."""
    extra = ["--save-video"] if options.save_video else []
    origin, found = Origin.of(options), []
    for clip in options.clips:
        for config in options.config:
            record = _in_a_fresh_process(clip, config, extra).record()
            found.append(record)
            records.append(options.json, [record], origin)
            records.tell(record)
    print(tables.markdown([records.as_line(record, origin) for record in found]), end="")
    return 0
