"""What a run of the camera gave, and how it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.latency.slopes import Slope
from steadypose.benchmarks.records import Record
from steadypose.stream.timing import Distribution

_WARM_UP = 0.2
"""Share of a run in which caches fill; not part of the slopes."""


@dataclass(frozen=True, kw_only=True)
class Ages:
    """Milliseconds from sending to having, over the frames or polls of a run."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Sequence[float] | NDArray[np.float64]) -> Ages:
        """Sum up ages in seconds."""
        values = np.asarray(seconds) * 1e3
        if not values.size:
            return cls(count=0, p50=0.0, p95=0.0, p99=0.0, max=0.0)
        p50, p95, p99 = np.percentile(values, (50, 95, 99)).round(2).tolist()
        return cls(count=values.size, p50=p50, p95=p95, p99=p99, max=round(float(values.max()), 2))

    @classmethod
    def of_distribution(cls, ages: Distribution) -> Ages:
        """What was summed up already."""
        ms = ages.milliseconds()
        return cls(
            count=ages.count,
            **{name: round(ms[name], 2) for name in ("p50", "p95", "p99", "max")},
        )

    def figures(self) -> dict[str, float]:
        """As a distribution of a record."""
        figures = {"p50": self.p50, "p95": self.p95, "p99": self.p99, "max": self.max}
        return {**figures, "n": self.count}

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f}  p95 {self.p95:.1f}  p99 {self.p99:.1f}  max {self.max:.1f} ms"


@dataclass(frozen=True, kw_only=True)
class LatencyRecord:
    """One run.

    Attributes:
        transport, size, fps, preset, seconds: What was asked for.
        floor: Ages of pictures decoded with nothing behind, before and after the run.
        decoded, compute, waiting: The parts of the age within the run: when the picture was
            decoded, work of all other stages on it, and the rest, in which it waited.
        age: Ages of results when they were ready, by the bar code.
        viewer: Ages that a viewer at 60 Hz saw, by the bar code.
        received, results, dropped, damaged, reconnects: Frames, and what befell them.
        overload: Frames received for each that was tracked: 1 where the pipeline keeps up.
        people: Mean people a frame.
        age_slope_ms, rss_slope_mb: Growth an hour, after the warm-up.
        heap_slope_mb: Likewise of the memory in use, see ``MemoryWatch``; None where unknown.
        rss_mb: Resident memory at the end, in 10^6 bytes.
    """

    transport: str
    size: str
    fps: float
    preset: str
    seconds: float
    floor: Ages
    decoded: Ages
    compute: Ages
    waiting: Ages
    age: Ages
    viewer: Ages
    received: int
    results: int
    dropped: int
    damaged: int
    reconnects: int
    overload: float
    people: float
    age_slope_ms: Slope
    rss_slope_mb: Slope
    heap_slope_mb: Slope | None
    rss_mb: float

    def bound_ms(self, floor: Ages) -> float:
        """Decoder floor, a frame and the compute of a frame: what the median should not pass."""
        return round(floor.p50 + 1e3 / self.fps + self.compute.p50, 2)

    def record(self) -> Record:
        """As it is written."""
        ages = {
            "decoder floor": self.floor,
            "frame age": self.age,
            "decoded": self.decoded,
            "waiting": self.waiting,
            "compute": self.compute,
            "viewer": self.viewer,
        }
        counts = ("received", "results", "dropped", "damaged", "reconnects", "overload", "people")
        return Record(
            what="latency",
            case={
                "transport": self.transport,
                "size": self.size,
                "camera frames/s": self.fps,
                "preset": self.preset,
                "seconds": self.seconds,
            },
            values={
                **{f"{name} ms": age.figures() for name, age in ages.items()},
                **{name: getattr(self, name) for name in counts},
                "age grows by, ms/h": _interval(self.age_slope_ms),
                "memory grows by, MB/h": _interval(self.rss_slope_mb),
                **self._heap_value(),
                "memory MB": self.rss_mb,
                "p50 at most, bare floor, ms": self.bound_ms(self.floor),
                "p50 at most, floor within the run, ms": self.bound_ms(self.decoded),
            },
            n=self.age.count,
        )

    def lines(self) -> list[str]:
        """As text for a terminal."""
        return [
            f"{self.transport} {self.size}, {self.fps:g} fps, {self.preset}, {self.seconds:.0f} s",
            f"  decoder floor      {self.floor}",
            f"  frame age          {self.age}",
            f"    when decoded     {self.decoded}",
            f"    waiting          {self.waiting}",
            f"    compute          {self.compute}, {self.people:.1f} people",
            f"  a viewer at 60 Hz  {self.viewer}",
            f"  p50 <= floor + frame + compute: {self._judged(self.floor)} by the bare floor, "
            f"{self._judged(self.decoded)} by that within the run",
            f"  received {self.received}, tracked {self.results}, dropped {self.dropped} "
            f"({self.overload:.1f} received for each that was tracked), damaged {self.damaged}, "
            f"reconnects {self.reconnects}",
            f"  age grows by    {_growth(self.age_slope_ms, 'ms')}",
            f"  memory grows by {_growth(self.rss_slope_mb, 'MB')}; {self.rss_mb:.0f} MB",
            *self._in_use(),
        ]

    def _in_use(self) -> list[str]:
        slope = self.heap_slope_mb
        return [] if slope is None else [f"    of it in use   {_growth(slope, 'MB')}"]

    def _heap_value(self) -> dict[str, dict[str, float | None]]:
        slope = self.heap_slope_mb
        return {} if slope is None else {"memory in use grows by, MB/h": _interval(slope)}

    def _judged(self, floor: Ages) -> str:
        bound = self.bound_ms(floor)
        return f"{'held' if self.age.p50 <= bound else 'NOT held'} ({bound:.1f} ms)"


def _interval(slope: Slope) -> dict[str, float | None]:
    """The ends are null where the run was too short to tell."""
    ends = {"low": slope.low, "high": slope.high}
    known = {name: end if np.isfinite(end) else None for name, end in ends.items()}
    return {"value": slope.per_hour, **known}


def _growth(slope: Slope, unit: str) -> str:
    verdict = "not distinguishable from 0" if slope.is_flat else "NOT 0"
    return f"{slope.per_hour:+.1f} {unit}/h [{slope.low:+.1f}, {slope.high:+.1f}]: {verdict}"


def after_warm_up(
    times_s: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values of the part of a run in which all caches are filled."""
    late = times_s >= times_s[0] + _WARM_UP * (times_s[-1] - times_s[0])
    return times_s[late], values[late]
