"""How a worker shares the machine with the others: cores, memory, and the end of its parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from steadypose.errors import InputError, SteadyposeError

_MAX_DECODER_THREADS = 4
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
# Libraries that compute with a pool of threads of their own ask these for its size.
_THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
)
_LEAST_MEMORY = 512 * 2**20
_OUT_OF_MEMORY = ("bad_alloc", "allocate memory", "insufficient memory", "out of memory")
_PR_SET_PDEATHSIG = 1


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of memory that can be had without swapping; 0 where that is not known.

    Args:
        group: What the system says of the container that this process may live in (cgroup v2).
    """
    return min((free for free in (_free_of_machine(), _free_of_group(group)) if free), default=0)


def _free_of_group(group: Path) -> int:
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit == "max":
            return 0
        used = int((group / "memory.current").read_text(encoding="ascii"))
        stat = (group / "memory.stat").read_text(encoding="ascii").splitlines()
        # Files that were read and are kept in case they are read again make room when asked.
        kept = next(line for line in stat if line.startswith("inactive_file "))
        return max(1, int(limit) - used + int(kept.split()[1]))
    except (OSError, StopIteration, ValueError):
        return 0


def _free_of_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(free.split()[1]) * 1024
    except (OSError, StopIteration, ValueError):
        return 0


def share_of_threads(jobs: int, available: int | None = None) -> int:
    """Threads of one network call in each of ``jobs`` workers: no more in all than cores."""
    return max(1, (available or cores()) // jobs)


def decoder_share(threads: int, videos: int = 1) -> int:
    """Threads that decode each of the videos of a worker whose networks have ``threads``."""
    return max(1, min(_MAX_DECODER_THREADS, threads // 2 // videos))


@contextlib.contextmanager
def few_threads(count: int) -> Iterator[None]:
    """Have processes that are started meanwhile compute with so many threads at most."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def parse_memory(text: str) -> int:
    """Bytes of ``800M``, ``1.5G`` and the like; units are powers of 1024.

    Raises:
        InputError: It is no amount of memory, or less than the networks and libraries need.
    """
    match = _MEMORY.fullmatch(text.strip())
    amount = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if amount < _LEAST_MEMORY:
        raise InputError(f"memory limit: expected 512M or more, such as 800M or 2G, got '{text}'")
    return amount


def limit_memory(limit: int) -> bool:
    """Have this process fail to get more than ``limit`` bytes of memory; False where it cannot.

    What counts is memory of the process's own (Linux: ``RLIMIT_DATA``), not files it has mapped.
    """
    if not sys.platform.startswith("linux"):
        return False
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    return True


def ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is a lack of memory, in any library's words."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(words in text for words in _OUT_OF_MEMORY):
            return True
        error = error.__cause__
    return False


def reason_of(error: Exception, limit: int | None) -> str:
    """An error in one line; a lack of memory, and what nobody foresaw, go by their names."""
    text = " ".join(str(error).split())
    if not isinstance(error, SteadyposeError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if not ran_out_of_memory(error):
        return text
    allowed = f" (limit {limit / 2**20:.0f} MB)" if limit else ""
    return f"out of memory{allowed}: {text}"


def die_with_parent() -> None:
    """Have the system kill this process when its parent ends, however that ends (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
