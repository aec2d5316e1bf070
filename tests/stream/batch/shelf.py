"""Shelves of small videos, and batches over them, for the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.stream.batch.crew import Finished, Message, Ready
from steadypose.stream.batch.videos import Task
from steadypose.stream.batch.worker import Orders, Worker
from steadypose.stream.engine_room import EngineRoom
from tests.cli.conftest import encode
from tests.stream.stand_ins import scene, walk

ONE_PERSON = walk(24, people=1, speed=3.0)


def clip(path: Path, frames: int = 12, start: int = 0) -> Path:
    """A video of one person who walks, from the ``start``-th step on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    steps = ONE_PERSON[start : start + frames]
    return encode(path, [scene(boxes) for boxes in steps])


def command(*arguments: object, networks: Sequence[str]) -> list[str]:
    """``steadypose batch`` as a process of its own, on tiny networks."""
    given = [str(argument) for argument in arguments]
    return [sys.executable, "-m", "steadypose.stream.cli.main", "batch", *given, *networks]


def run_batch(*arguments: object, networks: Sequence[str], **options: Any) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``command``."""
    done = subprocess.run(
        command(*arguments, networks=networks),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )
    return done.returncode, done.stdout, done.stderr


def manifest(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "steadypose-batch.json").read_text())
    return loaded


def outcomes(folder: Path) -> dict[str, str]:
    """Outcome of each video by its name."""
    return {video["name"]: video["outcome"] for video in manifest(folder)["videos"]}


def reasons(folder: Path) -> dict[str, str]:
    """Reason of each video that has one, by its name."""
    return {v["name"]: v["reason"] for v in manifest(folder)["videos"] if v["reason"]}


def events(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / ".steadypose" / "journal.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def black(frames: int) -> list[np.ndarray]:
    return [scene([]) for _ in range(frames)]


def children(pid: int) -> list[int]:
    """Processes of which ``pid`` is the parent."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


def all_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def done_in(folder: Path) -> int:
    """Finished videos so far; ``os.walk``, for a folder may vanish while another process works."""
    return sum(name.endswith(".summary.json") for _, _, names in os.walk(folder) for name in names)


def done_in_or_over(folder: Path, least: int, process: subprocess.Popen[bytes]) -> bool:
    return done_in(folder) >= least or process.poll() is not None


def workers_of(pid: int) -> list[int]:
    """The workers of a batch."""
    named = ((child, Path(f"/proc/{child}/cmdline").read_bytes()) for child in children(pid))
    return [child for child, line in named if b"spawn_main" in line]


class HandCrew:
    """A crew that works in the test's own process, one task after another."""

    def __init__(self, orders: Orders, jobs: int, room: EngineRoom | None = None) -> None:
        self.share, self.done = orders.share, list[Task]()
        self.size = jobs * self.share
        self._orders, self._room = orders, room
        self._workers: dict[int, Worker] = {}
        self._messages: deque[Message] = deque()

    def start(self, slot: int) -> None:
        if slot // self.share not in self._workers:
            self._workers[slot // self.share] = Worker(self._orders, self._room)
        self._messages.append(Ready(slot=slot))

    def give(self, slot: int, task: Task) -> None:
        self.done.append(task)
        result = self._workers[slot // self.share].do(task, lambda done, of: None)
        self._messages.append(Finished(slot=slot, result=result))

    def wait(self, timeout_s: float) -> list[Message]:
        messages = list(self._messages)
        self._messages.clear()
        return messages

    def stop(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()
