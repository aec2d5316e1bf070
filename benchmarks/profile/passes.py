"""A clip run twice: stage after stage on one thread, and through the threaded pipeline."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steadypose.benchmarks.calls import Call, noted
from steadypose.skeletons import get_skeleton
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.following import Follower
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.recording import write_results
from steadypose.stream.sinks import FileSink, make_sinks
from steadypose.stream.sources import open_source
from steadypose.stream.steps import alone
from steadypose.stream.timing import Stopwatch


class ProcessorWatch(Stopwatch):
    """Also adds up the processor's seconds, of all threads: no other stage may run meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.processor: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Time the block under ``name``."""
        started = time.process_time()
        try:
            with super().measure(name):
                yield
        finally:
            spent = time.process_time() - started
            self.processor[name] = self.processor.get(name, 0.0) + spent


@dataclass(eq=False)
class Stepwise:
    """Stage after stage.

    Attributes:
        frames: Frames done.
        people: People of all frames.
        seconds, processor: Of all frames, by stage; decoding runs ahead on threads of its own
            even here, so that its share is what a frame waits for it.
        total: Seconds of all frames.
        calls: Of the networks.
    """

    frames: int = 0
    people: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    calls: list[Call] = field(default_factory=list)


def in_sequence(room: EngineRoom, clip: Path, frames: int, *, keep: bool = False) -> Stepwise:
    """Run frames through all stages, one stage at a time.

    Args:
        room: The networks and settings.
        clip: The video.
        frames: How many at most.
        keep: Keep what the networks are fed, see ``calls.noted``.
    """
    done = Stepwise()
    source = open_source(clip, max_frames=frames, decoder_threads=1)
    follower, images = Follower(room), iter(source)
    with tempfile.TemporaryDirectory() as folder, noted(room, keep=keep) as calls:
        sinks = _sinks(room, source, folder)
        started = time.perf_counter()
        while True:
            watch = ProcessorWatch()
            with watch.measure("decode"):
                frame = next(images, None)
            if frame is None:
                break
            result = alone(room, follower.whole(frame, watch))
            with watch.measure("write"):
                for sink in sinks:
                    sink.write(result)
            done.frames += 1
            done.people += len(result.poses)
            _add(done.seconds, watch.seconds)
            _add(done.processor, watch.processor)
        done.total = time.perf_counter() - started
        for sink in sinks:
            sink.discard()
    done.calls = calls
    return done


def _add(total: dict[str, float], more: dict[str, float]) -> None:
    for name, seconds in more.items():
        total[name] = total.get(name, 0.0) + seconds


def _sinks(room: EngineRoom, source: Any, folder: str) -> list[FileSink]:
    """The files that ``track`` writes."""
    output = room.config.output
    skeleton = get_skeleton(output.skeleton)
    return make_sinks(output.formats, Path(folder), source.info, stem="clip", skeleton=skeleton)


@dataclass(frozen=True, kw_only=True, eq=False)
class Threaded:
    """Through the pipeline: its summary, processor seconds, and the calls of its networks."""

    summary: dict[str, Any]
    processor_s: float
    calls: Sequence[Call]


class _Silent:
    def update(self, people: int) -> None:
        """Say nothing."""


def threaded(room: EngineRoom, clip: Path, frames: int) -> Threaded:
    """Run frames through the pipeline as ``track`` does, files written."""
    with tempfile.TemporaryDirectory() as folder, noted(room) as calls:
        started = time.process_time()
        run = Pipeline(room=room).run(open_source(clip, max_frames=frames))
        recorded = write_results(run, Path(folder), "clip", watcher=_Silent())
        spent = time.process_time() - started
    if recorded.error is not None:
        raise recorded.error
    return Threaded(summary=dict(recorded.report), processor_s=spent, calls=calls)
