"""The one way in which stages hand items to one another."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from steadypose.errors import ConfigError

T = TypeVar("T")


class Policy(Enum):
    """What happens when an item is put into a full channel."""

    BLOCK = "block"
    """The producer waits: nothing is lost. For files."""
    LATEST = "latest"
    """There is room for one item and the newest wins. For live sources."""
    DROP_OLDEST = "drop_oldest"
    """The oldest item makes room. For live sources that may lag a little."""


class ChannelClosed(Exception):  # noqa: N818 - it is the end of a stream, not an error
    """Nothing more will come: the stream ended, or the channel was stopped."""


@dataclass(frozen=True, kw_only=True)
class ChannelStats:
    """Counters of a channel: items, and seconds that producer and consumer waited."""

    put: int = 0
    got: int = 0
    dropped: int = 0
    max_depth: int = 0
    put_wait_s: float = 0.0
    get_wait_s: float = 0.0


class Channel(Generic[T]):
    """A bounded, stop-aware queue between two threads.

    * ``close`` ends the stream in order: items already in it are still taken, then ``get`` raises
      ``ChannelClosed``.
    * ``stop`` ends it at once: items in it are forgotten and every waiting ``put`` and ``get``
      raises ``ChannelClosed`` without delay.
    * ``fail`` ends it in order like ``close``, but the taker gets the exception at the end.

    Waiting is by condition variables, never by polling.

    Args:
        capacity: Most items held; the ``latest`` policy always holds one.
        policy: What happens when it is full.
    """

    def __init__(self, capacity: int = 2, policy: Policy = Policy.BLOCK) -> None:
        if capacity < 1:
            raise ConfigError(f"channel capacity: expected at least 1, got {capacity}")
        self._policy = policy
        self._capacity = 1 if policy is Policy.LATEST else capacity
        self._items: deque[T] = deque()
        lock = threading.Lock()
        self._not_full = threading.Condition(lock)
        self._not_empty = threading.Condition(lock)
        self._lock = lock
        self._closed = False
        self._stopped = False
        self._error: BaseException | None = None
        self._put = self._got = self._dropped = self._max_depth = 0
        self._put_wait_s = self._get_wait_s = 0.0

    def put(self, item: T) -> None:
        """Hand an item on. Raises ChannelClosed after ``close``, ``fail`` or ``stop``."""
        with self._lock:
            if self._policy is Policy.BLOCK:
                self._put_wait_s += self._wait(self._not_full, self._has_no_room)
            if self._closed:
                raise ChannelClosed
            while self._has_no_room():
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._put += 1
            self._max_depth = max(self._max_depth, len(self._items))
            self._not_empty.notify()

    def get(self) -> T:
        """Take the next item, waiting for it.

        Raises:
            ChannelClosed: Nothing more will come.
            BaseException: What ``fail`` was given, after the items put before it.
        """
        with self._lock:
            self._get_wait_s += self._wait(self._not_empty, self._has_nothing)
            if self._items:
                self._got += 1
                item = self._items.popleft()
                self._not_full.notify()
                return item
            if self._error is not None and not self._stopped:
                raise self._error
            raise ChannelClosed

    def __iter__(self) -> Iterator[T]:
        """Items until the stream ends; raises what ``fail`` was given."""
        while True:
            try:
                item = self.get()
            except ChannelClosed:
                return
            yield item

    def close(self) -> None:
        """End the stream after the items already in it."""
        self._end(None)

    def fail(self, error: BaseException) -> None:
        """End the stream with an error after the items already in it. The first one counts."""
        self._end(error)

    def stop(self) -> None:
        """End the stream at once; items in it are forgotten. Safe to call from any thread."""
        with self._lock:
            self._closed = self._stopped = True
            self._items.clear()
            self._wake()

    def stats(self) -> ChannelStats:
        """The counters so far."""
        with self._lock:
            return ChannelStats(
                put=self._put,
                got=self._got,
                dropped=self._dropped,
                max_depth=self._max_depth,
                put_wait_s=self._put_wait_s,
                get_wait_s=self._get_wait_s,
            )

    def _end(self, error: BaseException | None) -> None:
        with self._lock:
            if not self._closed:
                self._closed, self._error = True, error
            self._wake()

    def _wake(self) -> None:
        self._not_full.notify_all()
        self._not_empty.notify_all()

    def _has_no_room(self) -> bool:
        return len(self._items) >= self._capacity

    def _has_nothing(self) -> bool:
        return not self._items

    def _wait(self, condition: threading.Condition, blocked: Callable[[], bool]) -> float:
        """Wait while ``blocked()`` and the stream goes on; return the seconds waited."""
        if not blocked() or self._closed:
            return 0.0
        started = time.perf_counter()
        while blocked() and not self._closed:
            condition.wait()
        return time.perf_counter() - started
