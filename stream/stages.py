"""Threads that live and die together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from steadypose.errors import StageError, SteadyposeError
from steadypose.stream.channel import Channel, ChannelClosed

STAGES = ("decode", "detect", "estimate", "refine", "track")
"""In the order of the dataflow."""


class StageGroup:
    """Starts one thread a stage, keeps the first exception, and ends all of them.

    The first exception wins: it stops every channel, so that no thread can stay in a ``put`` or
    ``get``, and ``raise_first`` gives it to the caller, with the stage's name when it is not one
    of our own errors. ``ChannelClosed`` is how a stage learns of a stop and is no error.
    """

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._channels: list[Channel[Any]] = []
        self._lock = threading.Lock()
        self._first: BaseException | None = None

    def channel(self, channel: Channel[Any]) -> None:
        """Have a channel stopped together with the stages."""
        self._channels.append(channel)

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread of its own until it returns."""
        thread = threading.Thread(target=self._run, args=(name, work), name=f"steadypose-{name}")
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Tell every stage to end now. Returns at once; may be called often."""
        for channel in self._channels:
            channel.stop()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for all stages, at most ``timeout_s`` in total; True when all have ended."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            thread.join(left)
        return not any(thread.is_alive() for thread in self._threads)

    def raise_first(self) -> None:
        """Raise the first exception of any stage, if there was one."""
        with self._lock:
            first = self._first
        if first is not None:
            raise first

    def fail(self, name: str, error: BaseException) -> None:
        """Take note of a stage's exception and stop everything."""
        with self._lock:
            if self._first is None:
                self._first = _named(name, error)
        self.stop()

    def _run(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except ChannelClosed:
            pass
        except BaseException as error:
            self.fail(name, error)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Name the stage whose work the block is, if it fails, in a thread that has several."""
    try:
        yield
    except (ChannelClosed, SteadyposeError):
        raise
    except Exception as error:
        raise _named(name, error) from error


def _named(name: str, error: BaseException) -> BaseException:
    if isinstance(error, SteadyposeError):
        return error
    stage = StageError(name, error)
    stage.__cause__ = error
    return stage
