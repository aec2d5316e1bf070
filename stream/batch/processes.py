"""Workers as processes of this machine."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from steadypose.errors import SteadyposeError
from steadypose.stream.batch.crew import Finished, Lost, Message, Progressed, Ready, Unusable
from steadypose.stream.batch.limits import die_with_parent, few_threads
from steadypose.stream.batch.videos import Task
from steadypose.stream.batch.worker import Orders, Worker
from steadypose.stream.interrupt import stop_on_signal

_END_S = 5.0


@dataclass(kw_only=True, eq=False)
class _Desk:
    """A worker, the slots of it that were started, and whether it has its networks."""

    process: BaseProcess
    connection: Connection
    slots: list[int] = field(default_factory=list)
    ready: bool = False


class ProcessCrew:
    """A crew of processes that are started fresh, share nothing and end with this one.

    Args:
        orders: What holds for all tasks, such as how many of them a process does at once.
        jobs: Number of processes at most.
    """

    def __init__(self, orders: Orders, jobs: int) -> None:
        self.share = orders.share
        self.size = jobs * self.share
        self._orders = orders
        self._context = multiprocessing.get_context("spawn")
        self._desks: dict[int, _Desk] = {}
        self._ready: list[Message] = []

    def start(self, slot: int) -> None:
        """Start the slot's process, unless another slot of it has."""
        worker = slot // self.share
        if worker not in self._desks:
            self._desks[worker] = self._hire(worker)
        desk = self._desks[worker]
        desk.slots.append(slot)
        if desk.ready:
            self._ready.append(Ready(slot=slot))

    def _hire(self, worker: int) -> _Desk:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, worker, self._orders), name=f"steadypose-worker-{worker}"
        )
        with few_threads(self._orders.config.runtime.threads or os.cpu_count() or 1):
            process.start()
        theirs.close()
        return _Desk(process=process, connection=ours)

    def give(self, slot: int, task: Task) -> None:
        """Send a task. One that cannot be taken any more is told as lost by ``wait``."""
        with contextlib.suppress(OSError):
            self._desks[slot // self.share].connection.send((slot, task))

    def wait(self, timeout_s: float) -> Sequence[Message]:
        """What the processes say; one that has ended says so last."""
        messages, self._ready = self._ready, []
        connections = {desk.connection: worker for worker, desk in self._desks.items()}
        for heard in wait(list(connections), 0 if messages else timeout_s):
            worker = connections[heard]  # type: ignore[index]
            desk = self._desks[worker]
            try:
                while desk.connection.poll():
                    messages += self._heard(worker, desk.connection.recv())
            except (EOFError, OSError):
                messages.append(Lost(slots=self._slots(worker), reason=self._end(worker)))
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

    def _heard(self, worker: int, message: Message) -> Sequence[Message]:
        """What a process says, said of its slots where it is about the process."""
        if isinstance(message, Ready):
            self._desks[worker].ready = True
            return [Ready(slot=slot) for slot in self._desks[worker].slots]
        if isinstance(message, Unusable):
            return [replace(message, slots=self._slots(worker))]
        return [message]

    def _slots(self, worker: int) -> tuple[int, ...]:
        return tuple(range(worker * self.share, (worker + 1) * self.share))

    def _end(self, worker: int) -> str:
        """Take leave of a process that is gone; why it is."""
        desk = self._desks.pop(worker)
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


def _serve(connection: Connection, number: int, orders: Orders) -> None:
    """A process's life: load the networks, then do what is sent until the other end is closed."""
    die_with_parent()
    # Ctrl-C reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if number:
        # What one worker has to say of the machine holds for all.
        logging.getLogger("steadypose").setLevel(logging.ERROR)
    import cv2

    cv2.setNumThreads(orders.config.runtime.threads)
    with contextlib.suppress(EOFError, OSError):
        try:
            worker = Worker(orders)
        except SteadyposeError as error:
            connection.send(Unusable(slots=(), reason=str(error)))
            return
        # A pool's threads take no signals; what they do stops with the main thread.
        pool, stopping = ThreadPoolExecutor(orders.share), [signal.SIGTERM]
        with worker, pool as tasks, stop_on_signal(lambda: None, stopping):
            _obey(connection, worker, tasks)


def _obey(connection: Connection, worker: Worker, tasks: ThreadPoolExecutor) -> None:
    """Have tasks done as they are sent; ends with EOFError or OSError."""
    speaking = threading.Lock()

    def say(message: Message) -> None:
        with speaking:
            connection.send(message)

    def do(slot: int, task: Task) -> None:
        result = worker.do(task, lambda done, of: say(Progressed(slot=slot, frames=done, of=of)))
        say(Finished(slot=slot, result=result))

    say(Ready(slot=0))
    while True:
        slot, task = connection.recv()
        tasks.submit(do, slot, task)
