"""What a run amounts to: counts, speed, stage times, models and versions."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steadypose._version import __version__
from steadypose.engines import zoo
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.records import FrameResult, Source, SourceInfo
from steadypose.stream.sources import LiveSnapshot, live_snapshot
from steadypose.stream.timing import Distribution, StageTimes, Stopwatch
from steadypose.stream.viewer_age import ViewerAge

_PACKAGES = ("numpy", "scipy", "opencv-python", "av", "onnxruntime", "openvino")


class Summarised(Protocol):
    """A run as the summary and the files see it; ``steadypose.stream.pipeline.Run`` is one."""

    @property
    def source(self) -> Source:
        """Where the frames come from."""
        ...

    @property
    def room(self) -> EngineRoom:
        """The networks and settings."""
        ...

    @property
    def times(self) -> StageTimes:
        """Work of each stage so far."""
        ...

    @property
    def dropped(self) -> int:
        """Frames that were not looked at."""
        ...

    def waits(self) -> dict[str, dict[str, float]]:
        """Seconds that each stage has waited for input and for room for its output."""
        ...

    def __iter__(self) -> Iterator[FrameResult]: ...

    def stop(self) -> None:
        """End now, from any thread."""
        ...


class RunSummary:
    """Collects what the summary says while a run goes on. All times are in seconds.

    Args:
        run: The run, for its settings and its stages' waiting times.
    """

    def __init__(self, run: Summarised) -> None:
        self._run = run
        self._started = time.perf_counter()
        self._frames = self._detected = self._rows = 0
        self._ids = _Ids()
        self._people: Counter[int] = Counter()
        self._age = Distribution()
        self._viewer = ViewerAge()
        self._write = Distribution()

    @property
    def frames(self) -> int:
        """Frames tracked so far."""
        return self._frames

    def add(self, result: FrameResult, writing: Stopwatch) -> None:
        """Take one frame's result and the time that writing it took."""
        self._frames += 1
        self._detected += result.detected
        self._rows += len(result.poses)
        self._people[len(result.poses)] += 1
        self._ids.add(result.poses.track_ids)
        self._age.add(result.age_s)
        captured_s = result.frame.captured_s
        self._viewer.add(captured_s, captured_s + result.age_s, result.frame.epoch)
        self._write.add(sum(writing.seconds.values()))

    def report(self, outcome: str, reason: str | None = None) -> dict[str, Any]:
        """The summary as plain values for JSON.

        Args:
            outcome: ``"done"``, ``"failed"`` or ``"interrupted"``.
            reason: Why it failed.
        """
        elapsed = time.perf_counter() - self._started
        live = live_snapshot(self._run.source)
        return {
            "steadypose": __version__,
            "source": _source(self._run.source.info),
            "outcome": outcome,
            "reason": reason,
            "warnings": list(self._run.source.warnings),
            "frames": self._frames,
            "frames_with_detection": self._detected,
            "frames_dropped": self._run.dropped,
            "reconnects": 0 if live is None else live.reconnects,
            "skeleton": self._run.room.skeleton.name,
            "tracks": self._ids.count,
            "people": self._people_report(),
            "elapsed_s": round(elapsed, 3),
            "fps": round(self._frames / elapsed, 2) if elapsed else 0.0,
            "frame_age_ms": self._age.milliseconds(),
            **({} if live is None else {"live": self._live_report(live)}),
            "stages": self._stages(elapsed),
            "settings": _plain(asdict(self._run.room.config)),
            "models": self._models(),
            "versions": versions(),
        }

    def _live_report(self, live: LiveSnapshot) -> dict[str, Any]:
        """What only a live source has: see docs/live.md."""
        return {
            "address": live.address,
            "state": live.state.value,
            "received": live.frames,
            "skipped": live.skipped,
            "damaged": live.damaged,
            "connection_attempts": live.attempts,
            "lost_s": round(self._viewer.lost_s, 3),
            "last_error": live.last_error,
            "decoder": live.decoder,
            "viewer_age_ms": self._viewer.ages.milliseconds(),
        }

    def _people_report(self) -> dict[str, Any]:
        counts = np.array(sorted(self._people.elements()) or [0])
        return {
            "rows": self._rows,
            "per_frame_mean": round(float(counts.mean()), 3),
            "per_frame_max": int(counts.max()),
        }

    def _stages(self, elapsed: float) -> dict[str, Any]:
        """Work and waiting of each stage; the three add up to the time the stage was alive."""
        waits = self._run.waits()
        report: dict[str, Any] = {}
        for name, work in {**self._run.times.stages, "write": self._write}.items():
            waited = waits.get(name, {"input_s": elapsed - work.total, "output_s": 0.0})
            report[name] = {
                "frames": work.count,
                "work_s": round(work.total, 3),
                "wait_input_s": round(waited["input_s"], 3),
                "wait_output_s": round(waited["output_s"], 3),
                "fps_alone": round(work.count / work.total, 2) if work.total else None,
                "ms": work.milliseconds(),
            }
        return report

    def _models(self) -> list[dict[str, Any]]:
        room = self._run.room
        engines = [*room.detector.engines, room.estimator.network.engine]
        if room.refiner is not None:
            engines.append(room.refiner.engine)
        return [
            {"name": e.name, "sha256": zoo.file_sha256(e.path), "runtime": e.runtime}
            for e in engines
        ]


class _Ids:
    """Counts the ids that were seen, a bit each: a run may go on for months."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self.count = 0

    def add(self, ids: NDArray[np.integer]) -> None:
        """Take note of ids, each 0 or above; others are nobody's."""
        for number in ids.tolist():
            place, bit = number >> 3, 1 << (number & 7)
            if number < 0:
                continue
            if place >= len(self._bits):
                self._bits.extend(bytes(place + 1 - len(self._bits)))
            if not self._bits[place] & bit:
                self._bits[place] |= bit
                self.count += 1


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape the results."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _source(info: SourceInfo) -> dict[str, Any]:
    values = asdict(info)
    values["time_base"] = None if info.time_base is None else str(info.time_base)
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
