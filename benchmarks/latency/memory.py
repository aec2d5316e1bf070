"""The memory of this process over a run, sampled once a second."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.machine import resident_bytes

_MEGA = 1e6
_PERIOD_S = 1.0
_FIELDS = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)


class _Mallinfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc."""

    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS]


class MemoryWatch:
    """Samples on a thread of its own, into memory that is taken at once.

    Args:
        seconds: For how long at most.
    """

    def __init__(self, seconds: float) -> None:
        self._rows = np.full((int(seconds / _PERIOD_S) + 60, 3), 0.0)
        self._count = 0
        self._in_use = in_use_reader()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def rows(self) -> NDArray[np.float64]:
        """``(N, 3)``: time in seconds; resident memory and memory in use in 10^6 bytes.

        Resident is what the process holds, with what its allocators keep for later. In use is what
        was allocated and not given back, where a leak shows whatever the allocators do; NaN where
        the C library does not tell it (glibc 2.33 and later do).
        """
        return self._rows[: self._count]

    def close(self) -> None:
        """Sample no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while self._count < len(self._rows):
            self._rows[self._count] = time.monotonic(), resident_mb(), self._in_use()
            self._count += 1
            if self._stop.wait(_PERIOD_S):
                return


def resident_mb() -> float:
    """Resident memory of this process in 10^6 bytes."""
    return resident_bytes() / _MEGA


def in_use_reader() -> Callable[[], float]:
    """What tells the bytes allocated by ``malloc`` and not freed, in 10^6; NaN where unknown."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        return lambda: float("nan")
    mallinfo.restype = _Mallinfo

    def read() -> float:
        info = mallinfo()
        return float(info.uordblks + info.hblkhd) / _MEGA

    return read
