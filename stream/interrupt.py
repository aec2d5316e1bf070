"""Ctrl-C and termination as an orderly stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signal(stop: Callable[[], None]) -> Iterator[threading.Event]:
    """Have SIGINT and SIGTERM call ``stop`` once; a second one acts as it did before.

    Yields an event that is set when a signal came. Outside the main thread, where Python cannot
    take signals, nothing is installed and the event stays unset.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        asked.set()
        restore()
        # The handler interrupts the main thread, which may hold a lock that stop() needs.
        threading.Thread(target=stop, name="steadypose-stop").start()

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield asked
    finally:
        restore()
