"""Where the time of a run went."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

PERCENTILES = (50, 95, 99)
_RESERVOIR = 65_536


class Stopwatch:
    """Adds up the seconds of named pieces of work on one frame."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Time the block, by ``time.perf_counter``, and add it under ``name``."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + spent


class Distribution:
    """Count, sum, maximum and percentiles of a stream of values, in bounded memory.

    All values are kept up to 65,536; beyond that every second one is dropped, then every second
    of the rest comes in, and so on, so that the kept ones stay spread evenly over the run.
    """

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.maximum = 0.0
        # Written once here, so that the memory of a process does not grow as values come.
        self._kept = np.full(_RESERVOIR, 0.0)
        self._size = 0
        self._stride = 1

    def add(self, value: float) -> None:
        """Take a value."""
        if self.count % self._stride == 0:
            if self._size == _RESERVOIR:
                self._size //= 2
                self._kept[: self._size] = self._kept[::2].copy()
                self._stride *= 2
            if self.count % self._stride == 0:
                self._kept[self._size] = value
                self._size += 1
        self.count += 1
        self.total += value
        self.maximum = max(self.maximum, value)

    def percentile(self, percent: float) -> float:
        """A percentile of the values kept, by linear interpolation; 0 without values."""
        return float(np.percentile(self._kept[: self._size], percent)) if self._size else 0.0

    def milliseconds(self) -> dict[str, float]:
        """Mean, percentiles and maximum of values in seconds, as milliseconds for a report."""
        mean = self.total / self.count if self.count else 0.0
        report = {"mean": mean, **{f"p{p}": self.percentile(p) for p in PERCENTILES}}
        report["max"] = self.maximum
        return {name: round(value * 1e3, 3) for name, value in report.items()}


class StageTimes:
    """Work of each stage over a run."""

    def __init__(self) -> None:
        self.stages: dict[str, Distribution] = defaultdict(Distribution)

    def add(self, stage_s: dict[str, float]) -> None:
        """Take the seconds that each stage spent on one frame."""
        for name, seconds in stage_s.items():
            self.stages[name].add(seconds)
