"""How often somebody may do something."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_MAX_ADDRESSES = 1024

Clock = Callable[[], float]


class Bucket:
    """Lets ``per_s`` things a second pass, with ``burst`` saved up (a token bucket).

    Args:
        per_s: Things a second.
        burst: How many may come at once.
        clock: Seconds, monotonic.
    """

    def __init__(self, per_s: float, burst: float, clock: Clock = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._left, self._since = burst, clock()

    @property
    def left(self) -> float:
        """How many may come now."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._since) * self._per_s)
        self._since = now
        return self._left

    def take(self) -> bool:
        """Whether one more may pass; if so, it is counted."""
        passes = self.left >= 1
        self._left -= passes
        return passes


class Buckets:
    """A bucket for every address; those not heard of for longest are forgotten beyond 1024."""

    def __init__(self, per_s: float, burst: float, clock: Clock = time.monotonic) -> None:
        self._settings = (per_s, burst, clock)
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def __getitem__(self, address: str) -> Bucket:
        bucket = self._of.pop(address, None) or Bucket(*self._settings)
        self._of[address] = bucket
        if len(self._of) > _MAX_ADDRESSES:
            self._of.popitem(last=False)
        return bucket
