"""Workers as processes of this machine."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from steadypose.errors import SteadyposeError
from steadypose.stream.batch.crew import Finished, Lost, Message, Progressed, Ready, Unusable
from steadypose.stream.batch.limits import die_with_parent, few_threads
from steadypose.stream.batch.videos import Task
from steadypose.stream.batch.worker import Orders, Worker

_END_S = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Desk:
    process: BaseProcess
    connection: Connection


class ProcessCrew:
    """A crew of processes that are started fresh, share nothing and end with this one.

    Args:
        orders: What holds for all tasks.
        size: Number of workers at most.
    """

    def __init__(self, orders: Orders, size: int) -> None:
        self.size = size
        self._orders = orders
        self._context = multiprocessing.get_context("spawn")
        self._desks: dict[int, _Desk] = {}

    def start(self, slot: int) -> None:
        """Start a process."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, slot, self._orders), name=f"steadypose-worker-{slot}"
        )
        with few_threads(self._orders.config.runtime.threads or os.cpu_count() or 1):
            process.start()
        theirs.close()
        self._desks[slot] = _Desk(process=process, connection=ours)

    def give(self, slot: int, task: Task) -> None:
        """Send a task. One that cannot be taken any more is told as lost by ``wait``."""
        with contextlib.suppress(OSError):
            self._desks[slot].connection.send(task)

    def wait(self, timeout_s: float) -> Sequence[Message]:
        """What the processes say; one that has ended says so last."""
        connections = {desk.connection: slot for slot, desk in self._desks.items()}
        messages: list[Message] = []
        for ready in wait(list(connections), timeout_s):
            slot = connections[ready]  # type: ignore[index]
            desk = self._desks[slot]
            try:
                while desk.connection.poll():
                    messages.append(desk.connection.recv())
            except (EOFError, OSError):
                messages.append(Lost(slot=slot, reason=self._end(slot)))
        return messages

    def stop(self) -> None:
        """SIGTERM: what is being tracked is ended in order."""
        for desk in self._desks.values():
            desk.process.terminate()

    def close(self) -> None:
        """End the processes that still are, by force where they do not by themselves."""
        for desk in self._desks.values():
            desk.connection.close()
        for desk in self._desks.values():
            desk.process.join(_END_S)
            if desk.process.is_alive():
                desk.process.kill()
                desk.process.join()
            desk.process.close()
        self._desks.clear()

    def _end(self, slot: int) -> str:
        """Take leave of a process that is gone; why it is."""
        desk = self._desks.pop(slot)
        desk.connection.close()
        desk.process.join(_END_S)
        if desk.process.is_alive():
            desk.process.kill()
            desk.process.join()
        code = desk.process.exitcode or 0
        desk.process.close()
        return _words(code)


def _words(code: int) -> str:
    if code >= 0:
        return f"its worker ended by itself (exit code {code})"
    name = signal.Signals(-code).name
    if -code == signal.SIGKILL:
        return f"its worker was killed ({name}), as the system does when memory runs out"
    return f"its worker crashed ({name})"


def _serve(connection: Connection, slot: int, orders: Orders) -> None:
    """A process's life: load the networks, then do what is sent until the other end is closed."""
    die_with_parent()
    # Ctrl-C reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if slot:
        # What one worker has to say of the machine holds for all.
        logging.getLogger("steadypose").setLevel(logging.ERROR)
    import cv2

    cv2.setNumThreads(orders.config.runtime.threads)
    with contextlib.suppress(EOFError, OSError):
        try:
            worker = Worker(orders)
        except SteadyposeError as error:
            connection.send(Unusable(slot=slot, reason=str(error)))
            return
        connection.send(Ready(slot=slot))
        while True:
            task: Task = connection.recv()
            result = worker.do(
                task,
                lambda done, of: connection.send(Progressed(slot=slot, frames=done, of=of)),
            )
            connection.send(Finished(slot=slot, result=result))
