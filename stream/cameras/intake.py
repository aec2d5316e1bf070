"""The newest frame of every camera, and which of them are worked on together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from steadypose.errors import InputError
from steadypose.stream.channel import ChannelClosed
from steadypose.stream.rhythm import Rhythm

T = TypeVar("T")

WAIT_S = 0.004
"""How long a batch waits, from its first frame on, for frames that are just about to come."""
MOST = 8
"""Frames of one batch: what comes first then does not wait for what comes ninth."""


@dataclass
class _Slot(Generic[T]):
    item: T | None = None
    rhythm: Rhythm = field(default_factory=Rhythm)
    put: int = 0
    dropped: int = 0

    def take(self) -> T:
        item, self.item = self.item, None
        assert item is not None  # noqa: S101 - callers ask for filled slots only
        return item


class Intake(Generic[T]):
    """One slot a camera, in which the newest frame wins, and one taker for all of them.

    A batch holds at most one frame of each camera, so that a fast one gets no more of the
    networks than a slow one. It is complete when no further frame is worth waiting for: when its
    time is up, when it is full, or when every camera that is still missing is not expected in
    time, going by its own rhythm. A camera that is dead is thus never waited for. Where a batch
    cannot take all, the next one begins with those left out.

    Args:
        names: The cameras.
        wait_s: Seconds that a batch may wait, counted from when its first frame came.
        most: Frames in a batch.
        clock: Seconds, monotonic.

    Raises:
        InputError: ``wait_s`` is negative, or ``most`` below 1.
    """

    def __init__(
        self,
        names: list[str],
        wait_s: float = WAIT_S,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 <= wait_s <= 1 or most < 1:
            raise InputError(
                f"batches across cameras: expected 0 to 1 s of waiting and at least 1 frame, "
                f"got {wait_s:g} s and {most}"
            )
        self._slots: dict[str, _Slot[T]] = {name: _Slot() for name in names}
        self._order = list(names)
        self._wait_s, self._most, self._clock = wait_s, most, clock
        self._changed = threading.Condition()
        self._stopped = False

    def put(self, name: str, item: T) -> None:
        """Hand in a camera's next frame; one that still lies there is dropped and counted."""
        with self._changed:
            if self._stopped:
                raise ChannelClosed
            slot = self._slots[name]
            slot.rhythm.beat(self._clock())
            slot.dropped += slot.item is not None
            slot.item = item
            slot.put += 1
            self._changed.notify()

    def clear(self, name: str) -> None:
        """Forget a camera's frame and its rhythm, as it was stopped; the counters stay."""
        with self._changed:
            slot = self._slots[name]
            slot.dropped += slot.item is not None
            slot.item, slot.rhythm = None, Rhythm()

    def take(self) -> list[tuple[str, T]]:
        """The next batch: cameras and their newest frames, at least one.

        Raises:
            ChannelClosed: ``stop`` was called.
        """
        with self._changed:
            while not self._stopped:
                patience = self._patience()
                if patience == 0:
                    return self._batch()
                self._changed.wait(patience)
            raise ChannelClosed

    def patience(self) -> float | None:
        """Seconds for which ``take`` would still wait if no frame came; None without frames."""
        with self._changed:
            return self._patience()

    def stop(self) -> None:
        """End it: a waiting ``take`` and every further ``put`` raise ChannelClosed."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def counts(self, name: str) -> tuple[int, int]:
        """Frames that a camera has handed in, and how many of them were dropped."""
        with self._changed:
            slot = self._slots[name]
            return slot.put, slot.dropped

    def _filled(self) -> list[str]:
        return [name for name in self._order if self._slots[name].item is not None]

    def _batch(self) -> list[tuple[str, T]]:
        names = self._filled()[: self._most]
        # Who was served goes to the end of the line.
        self._order = [n for n in self._order if n not in names] + names
        return [(name, self._slots[name].take()) for name in names]

    def _patience(self) -> float | None:
        filled = self._filled()
        if not filled:
            return None
        now = self._clock()
        first = min(self._slots[name].rhythm.came_s or now for name in filled)
        deadline = first + self._wait_s
        if len(filled) >= self._most or not any(
            slot.item is None and slot.rhythm.expected(now, deadline)
            for slot in self._slots.values()
        ):
            return 0.0
        return max(0.0, deadline - now)
