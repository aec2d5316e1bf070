"""What a camera has done lately."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import takewhile

import numpy as np

from steadypose.stream.timing import PERCENTILES

LATELY_S = 30.0
"""What "lately" means for percentiles."""
RATE_S = 3.0
"""What it means for rates."""
_MOST = 8192


class Recent:
    """Values of the last ``LATELY_S`` seconds, and how many a second have come.

    Holds 8192 values at most, and the newest one however old it is. Safe to be filled by one thread
    and read by others.

    Args:
        clock: Seconds, monotonic.

    Attributes:
        count: Values since the start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._values: deque[tuple[float, float]] = deque(maxlen=_MOST)
        self._since = clock()
        self.count = 0

    def add(self, value: float) -> None:
        """Take a value that is of now."""
        with self._lock:
            now = self._clock()
            self._values.append((now, value))
            # Kept no longer than they are asked for: memory must not creep up for minutes.
            while now - self._values[0][0] > LATELY_S:
                self._values.popleft()
            self.count += 1

    def rate(self) -> float:
        """Values a second over the last ``RATE_S`` seconds."""
        now = self._clock()
        with self._lock:
            span = min(RATE_S, max(now - self._since, 1e-3))
            count = sum(1 for _ in takewhile(lambda v: now - v[0] <= span, reversed(self._values)))
        return count / span

    def last(self) -> float | None:
        """The newest value of all, or None."""
        with self._lock:
            return self._values[-1][1] if self._values else None

    def last_s(self) -> float | None:
        """Seconds since the newest value came, or None."""
        with self._lock:
            return self._clock() - self._values[-1][0] if self._values else None

    def milliseconds(self) -> dict[str, float]:
        """Percentiles and maximum of the values in seconds, as ms; empty without values."""
        now = self._clock()
        with self._lock:
            values = [value for when, value in self._values if now - when <= LATELY_S]
        if not values:
            return {}
        found = np.percentile(values, [*PERCENTILES, 100]) * 1e3
        names = [*(f"p{p}" for p in PERCENTILES), "max"]
        return {name: round(float(value), 1) for name, value in zip(names, found, strict=True)}
