"""Runs a program on so many cores and watches it: time, first result, processor, memory."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from steadypose.benchmarks.machine import on_cores, resident_bytes
from steadypose.errors import InputError

_FRAME = re.compile(rb"\bframe (\d+)")
_SAMPLE_S = 0.05
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a program took, with all that it started.

    Attributes:
        wall_s: Seconds from start to exit.
        cpu_s: Processor seconds of all threads.
        peak_mb: Peak resident memory in 10^6 bytes.
        first_s: Seconds from start to the first line that tells of a frame; None without one.
        frame_ms: Milliseconds a frame from there to the last such line; None before there are two.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    first_s: float | None
    frame_ms: float | None


def watch(
    command: Sequence[str], *, threads: int, cwd: Path, env: Mapping[str, str], limit_s: float
) -> Run:
    """Run a command to its end on the first ``threads`` cores, and tell it that there are so many.

    Args:
        command: The program with its arguments; it says ``frame N`` when it has a result.
        threads: Cores and threads it may use.
        cwd: The folder it runs in.
        env: Variables beside those of this process.
        limit_s: It is ended after so long.

    Raises:
        InputError: It cannot be run, failed, or took too long; with the last that it said.
    """
    told = {**os.environ, **dict.fromkeys(_THREADS, str(threads)), **env}
    told["PYTHONUNBUFFERED"] = "1"
    began = time.perf_counter()
    try:
        with on_cores(threads):
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=cwd,
                env=told,
                start_new_session=True,
            )
    except OSError as error:
        raise InputError(f"{command[0]}: cannot be run: {error.strerror}") from error
    with process:
        return _follow(process, began, Path(command[0]).name, limit_s)


def _follow(process: subprocess.Popen[bytes], began: float, name: str, limit_s: float) -> Run:
    last_words: deque[str] = deque(maxlen=3)
    times: list[tuple[int, float]] = []
    memory = _Memory(process.pid)
    timer = threading.Timer(limit_s, _end, [process.pid])
    timer.start()
    try:
        for line in process.stdout or ():
            if told := _FRAME.search(line):
                times.append((int(told[1]), time.perf_counter() - began))
            elif line.strip():
                last_words.append(line.decode(errors="replace").strip())
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        late = not timer.is_alive()
        timer.cancel()
        memory.stop()
        _end(process.pid)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if late:
        raise InputError(f"{name}: not done after {limit_s:g} s")
    if process.returncode:
        raise InputError(f"{name}: ended with {process.returncode}: {' / '.join(last_words)}")
    return Run(
        wall_s=wall,
        cpu_s=usage.ru_utime + usage.ru_stime,
        # Not ru_maxrss, which starts at the size of the process that was forked.
        peak_mb=memory.peak / 1e6,
        first_s=times[0][1] if times else None,
        frame_ms=_each_ms(times),
    )


def _each_ms(times: Sequence[tuple[int, float]]) -> float | None:
    if not times or times[-1][0] <= times[0][0]:
        return None
    (first, began), (last, ended) = times[0], times[-1]
    return 1000 * (ended - began) / (last - first)


def _end(group: int) -> None:
    """End what is left of a process and its children; they are a group of their own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


class _Memory(threading.Thread):
    """The largest sum of resident memory that a process and its descendants were seen with."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid, self._stopped = pid, threading.Event()
        self.start()

    def run(self) -> None:
        """Look every so often."""
        while not self._stopped.wait(_SAMPLE_S):
            self.peak = max(self.peak, family_bytes(self._pid))

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self.join()


def family_bytes(pid: int) -> int:
    """Resident memory of a process and all its descendants; 0 once it is gone."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [c for t in threads for c in (t / "children").read_text("ascii").split()]
    except OSError:
        return 0
    return resident_bytes(pid) + sum(family_bytes(int(c)) for c in children)
