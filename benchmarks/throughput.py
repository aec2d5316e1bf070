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
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from steadypose.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Record:
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
        hardware, versions: Where it ran.
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
    hardware: str
    versions: dict[str, str]


def measure(clip: Path, config: str, options: Sequence[str] = ()) -> Record:
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
) -> Record:
    frames = summary["frames"]
    stages = summary["stages"]
    slowest = max(stages, key=lambda name: stages[name]["work_s"])
    slowest_fps = frames / stages[slowest]["work_s"]
    return Record(
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
        hardware=hardware(),
        versions=summary["versions"],
    )


def hardware() -> str:
    """The processor and how many cores of it may be used."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def _in_a_fresh_process(clip: Path, config: str, options: Sequence[str]) -> Record:
    """Measure from a child of its own, whose peak of children's memory is this run's alone."""
    code = (
        "import json, sys; from dataclasses import asdict; from pathlib import Path;"
        "from steadypose.benchmarks.throughput import measure;"
        "print(json.dumps(asdict(measure(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))))"
    )
    command = [sys.executable, "-c", code, str(clip), config, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(done.stderr.strip().splitlines()[-1])
    values = json.loads(done.stdout)
    return Record(**{**values, "options": tuple(values["options"])})


def run(options: argparse.Namespace) -> int:
    """Print a row a run."""
    extra = ["--save-video"] if options.save_video else []
    print(f"{'clip':28} {'preset':9} {'people':>6} {'fps':>6} {'slowest':>9} {'overlap':>7} MB")
    for clip in options.clips:
        for config in options.config:
            record = _in_a_fresh_process(clip, config, extra)
            row = f"{record.clip:28} {config:9} {record.people:6.1f} {record.fps:6.1f} "
            row += f"{record.slowest:>9} {record.overlap:7.2f} {record.peak_mb:.0f}"
            print(f"{row}  {record.stage_ms}", flush=True)
            if options.json:
                with options.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(record)) + "\n")
    return 0


if __name__ == "__main__":
    from steadypose.benchmarks.command import run_alone

    run_alone("throughput")
