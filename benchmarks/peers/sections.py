"""The parts of the benchmark; systems take turns within a round."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from steadypose.benchmarks.accuracy.run import CocoSet
from steadypose.benchmarks.agreement import read_truth
from steadypose.benchmarks.peers.crowds import crowd_clip, lone_people
from steadypose.benchmarks.peers.media import clip_frames
from steadypose.benchmarks.peers.running import Run, watch
from steadypose.benchmarks.peers.scoring import average_precision, identity, picture_names
from steadypose.benchmarks.peers.seen import Seen
from steadypose.benchmarks.peers.systems import Command, Job, System
from steadypose.benchmarks.trackers.rows import Row
from steadypose.errors import InputError

Values = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is compared and how.

    Attributes:
        folder: Of all environments.
        systems: In the order of the tables.
        threads: Cores and threads of each.
        rounds: How often each runs.
        limit_s: A run is ended after so long.
        report: Takes each row as soon as it is there.
    """

    folder: Path
    systems: Sequence[System]
    threads: int
    rounds: int
    limit_s: float
    report: Callable[[Row], None]

    @contextmanager
    def job(self, system: System, source: Path) -> Iterator[Job]:
        """A system's work on a video or a folder, with a folder for its output that is removed."""
        with tempfile.TemporaryDirectory() as out:
            # Whole paths, as the system runs in the folder of its output.
            home = (self.folder / system.environment).absolute()
            yield Job(home=home, source=source.absolute(), out=Path(out), threads=self.threads)

    def watched(self, system: System, command: Command, job: Job) -> Run:
        """Run one of a system's commands. Raises InputError."""
        return watch(
            command, threads=job.threads, cwd=job.out, env=system.env, limit_s=self.limit_s
        )

    def each(self, section: str, case: str, measure: Callable[[System], Values]) -> None:
        """Measure every system once; one that fails is reported with what it said."""
        for system in self.systems:
            if section == "identity" and not system.names:
                continue
            more: dict[str, str] = {}
            try:
                values = measure(system)
            except InputError as error:
                values, more = {}, {"failed": str(error)}
            told = {"licence": system.licence, "several": system.several, "names": system.names}
            self.report(
                Row(
                    section=section,
                    case=case,
                    name=system.name,
                    values=values,
                    settings=told,
                    more=more,
                )
            )


def install(bench: Bench) -> None:
    """Size and time of each environment as its script noted them, and its networks' size."""

    def measure(system: System) -> Values:
        home = bench.folder / system.environment
        note = home / "install.json"
        try:
            told = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{note}: cannot be read: {error}") from error
        networks = sum(path.stat().st_size for path in system.networks(home))
        return {
            "installed_mb": told["bytes"] / 1e6,
            "networks_mb": networks / 1e6,
            "install_s": float(told["seconds"]),
        }

    bench.each("install", "pip install", measure)


def speed(bench: Bench, clips: Sequence[Path]) -> None:
    """The whole programme over each clip."""
    for clip in clips:
        frames = clip_frames(clip)
        for _ in range(bench.rounds):
            bench.each("speed", clip.name, partial(_clip, bench, clip, frames))


def crowd(bench: Bench, data: CocoSet, counts: Sequence[int], frames: int) -> None:
    """Time a frame against people."""
    crops = lone_people(data)
    with tempfile.TemporaryDirectory() as folder:
        clips = {n: crowd_clip(crops, n, frames, Path(folder, f"{n}.mp4")) for n in counts}
        for _ in range(bench.rounds):
            for count, clip in clips.items():
                bench.each("crowd", str(count), partial(_clip, bench, clip, frames))


def _clip(bench: Bench, clip: Path, frames: int, system: System) -> Values:
    with bench.job(system, clip) as job:
        run = bench.watched(system, system.track(job), job)
        found, own_ms = system.tracked(job), system.frame_ms(job)
        first = run.first_s
        if (command := system.first(job)) is not None:
            first = bench.watched(system, command, job).first_s
    each_ms = run.frame_ms if own_ms is None else own_ms
    return {
        "frames": float(frames),
        "people": sum(map(len, found.values())) / frames,
        "fps": frames / run.wall_s,
        "wall_s": run.wall_s,
        "cpu_s": run.cpu_s,
        "peak_mb": run.peak_mb,
        "first_s": np.nan if first is None else first,
        "frame_ms": np.nan if each_ms is None else each_ms,
    }


def accuracy(bench: Bench, data: CocoSet, images: Path) -> None:
    """COCO AP of what each finds in the pictures of a set, which lie in ``images``."""
    names, splits = picture_names(data.path)
    with tempfile.TemporaryDirectory() as folder:
        for image_id in data.images:
            Path(folder, names[image_id]).symlink_to((images / names[image_id]).absolute())

        def measure(system: System) -> Values:
            with bench.job(system, Path(folder)) as job:
                bench.watched(system, system.find(job), job)
                return average_precision(data, names, system.found(job), splits)

        bench.each("accuracy", f"{len(data.images)} pictures", measure)


def identities(bench: Bench, clip: Path, boxes: Path) -> None:
    """Whose ids hold on a clip of which some frames have true boxes."""
    truth = read_truth(boxes)
    people = sum(len(ids) for ids, _ in truth.values())

    def measure(system: System) -> Values:
        with bench.job(system, clip) as job:
            bench.watched(system, system.track(job), job)
            found: Mapping[str, Seen] = system.tracked(job)
        return identity(truth, found)

    bench.each("identity", f"{clip.name}, {people} boxes", measure)
