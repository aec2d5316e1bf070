"""Ctrl-C and termination as an orderly stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_lock = threading.Lock()
_others: list[tuple[threading.Event, Callable[[], None]]] = []
"""What is to be done by threads other than the main one."""
_main_asked = threading.Event()
"""Of the main thread's ``stop_on_signal``."""


@contextmanager
def stop_on_signal(
    stop: Callable[[], None], numbers: Sequence[signal.Signals] = _SIGNALS
) -> Iterator[threading.Event]:
    """Have signals call ``stop`` once; a second one acts as it did before.

    Outside the main thread, where Python cannot take signals, it goes by those that the main
    thread takes in a ``stop_on_signal`` of its own, if it does.

    Args:
        stop: Called on a thread of its own.
        numbers: Of the signals.

    Yields:
        An event that is set when a signal came.
    """
    if threading.current_thread() is not threading.main_thread():
        with _stopped_with_the_main_thread(stop) as event:
            yield event
        return
    global _main_asked
    asked, outer = threading.Event(), _main_asked
    _main_asked = asked
    before = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        asked.set()
        restore()
        # The handler interrupts the main thread, which may hold a lock that stop() needs.
        threading.Thread(target=_stop_all, args=(stop,), name="steadypose-stop").start()

    for number in numbers:
        signal.signal(number, handle)
    try:
        yield asked
    finally:
        restore()
        _main_asked = outer


@contextmanager
def _stopped_with_the_main_thread(stop: Callable[[], None]) -> Iterator[threading.Event]:
    entry = (threading.Event(), stop)
    with _lock:
        _others.append(entry)
        late = _main_asked.is_set()
    if late:
        entry[0].set()
        stop()
    try:
        yield entry[0]
    finally:
        with _lock:
            _others.remove(entry)


def _stop_all(stop: Callable[[], None]) -> None:
    stop()
    with _lock:
        others = list(_others)
    for event, other in others:
        event.set()
        other()
