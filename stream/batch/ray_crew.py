"""Workers as actors of a Ray cluster, or of Ray on this machine."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from steadypose.errors import InputError, SteadyposeError
from steadypose.stream.batch.crew import Finished, Lost, Message, Progressed, Ready, Unusable
from steadypose.stream.batch.places import is_url
from steadypose.stream.batch.videos import Result, Task
from steadypose.stream.batch.worker import Orders, Worker

_ASK_S = 1.0
"""How often a worker is asked how far it is."""
_REASON_CHARS = 300


class RayCrew:
    """A crew of Ray actors, spread over the nodes; Ray finds each its cores and GPUs.

    Every node needs this package, its models, and a way to the videos and the output: a shared
    folder under the same path, or URLs.

    Args:
        orders: What holds for all tasks.
        address: ``local`` for a Ray of our own on this machine, ``auto`` for the cluster that this
            machine belongs to, else where the cluster is.
        cpus, gpus: What a worker takes of a node.
        jobs: Number of workers; as many as the cluster has room for where not given.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached, or it has no such room.
    """

    def __init__(
        self, orders: Orders, address: str, *, cpus: int, gpus: float, jobs: int | None = None
    ) -> None:
        self._ray = _require_ray()
        self._orders = orders if is_url(orders.output) else _with_absolute_output(orders)
        self._ours = not self._ray.is_initialized()
        if self._ours:
            self._join(address)
        self.share = orders.share
        self.size = (jobs or self._room(cpus, gpus)) * self.share
        self._make = self._ray.remote(RayWorker).options(
            num_cpus=cpus,
            num_gpus=gpus,
            max_restarts=0,
            max_concurrency=1 + orders.share,  # so that it can be asked how far it is
            scheduling_strategy="SPREAD",
        )
        self._actors: dict[int, Any] = {}
        self._awaited: dict[Any, tuple[str, int]] = {}
        self._asked_s: dict[int, float] = {}

    def start(self, slot: int) -> None:
        """Have Ray start the slot's actor, where and as soon as there is room."""
        worker = slot // self.share
        if worker not in self._actors:
            self._actors[worker] = self._make.remote(self._orders)
        self._awaited[self._actors[worker].load.remote()] = ("load", slot)

    def give(self, slot: int, task: Task) -> None:
        """Send a task; a relative path is made absolute, as workers have folders of their own."""
        source = task.video.source
        if not is_url(source):
            task = replace(task, video=replace(task.video, source=str(Path(source).absolute())))
        self._awaited[self._actor(slot).do.remote(slot, task)] = ("do", slot)
        self._asked_s[slot] = time.monotonic()

    def wait(self, timeout_s: float) -> Sequence[Message]:
        """What the actors say."""
        self._ask()
        if not self._awaited:
            return []
        ready, _ = self._ray.wait(list(self._awaited), timeout=timeout_s)
        return [message for reference in ready if (message := self._read(reference))]

    def stop(self) -> None:
        """End the actors; what they were at is lost."""
        for actor in self._actors.values():
            self._ray.kill(actor)

    def close(self) -> None:
        """End the actors, and Ray where it was started here."""
        self.stop()
        self._actors.clear()
        self._awaited.clear()
        self._leave()

    def _join(self, address: str) -> None:
        # Ray reports on its use to its makers unless told not to.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            self._ray.init(
                address=address,
                log_to_driver=False,
                logging_level="ERROR",
                **({"include_dashboard": False} if address == "local" else {}),
            )
        except (ConnectionError, OSError, ValueError, RuntimeError) as error:
            reason = _line(error)
            raise InputError(f"--ray {address}: no cluster can be reached: {reason}") from error

    def _room(self, cpus: int, gpus: float) -> int:
        has = self._ray.cluster_resources()
        room = int(has.get("CPU", 0) // cpus)
        if gpus:
            room = min(room, int(has.get("GPU", 0) // gpus))
        if not room:
            self._leave()
            needs = f"{cpus} cores" + (f" and {gpus:g} GPUs" if gpus else "")
            raise InputError(f"--ray: the cluster has no room for a worker with {needs}")
        return room

    def _leave(self) -> None:
        """Leave a cluster that is of no use."""
        if self._ours:
            self._ray.shutdown()

    def _ask(self) -> None:
        now = time.monotonic()
        busy = {slot for kind, slot in self._awaited.values() if kind == "do"}
        asked = {slot for kind, slot in self._awaited.values() if kind == "frames"}
        for slot in busy - asked:
            if now - self._asked_s[slot] >= _ASK_S:
                self._asked_s[slot] = now
                self._awaited[self._actor(slot).frames.remote(slot)] = ("frames", slot)

    def _actor(self, slot: int) -> Any:
        return self._actors[slot // self.share]

    def _slots(self, worker: int) -> tuple[int, ...]:
        return tuple(range(worker * self.share, (worker + 1) * self.share))

    def _read(self, reference: Any) -> Message | None:
        kind, slot = self._awaited.pop(reference)
        try:
            value = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return self._lose(slot // self.share, _line(error))
        if kind == "load":
            slots = self._slots(slot // self.share)
            return Unusable(slots=slots, reason=value) if value else Ready(slot=slot)
        if kind == "frames":
            return Progressed(slot=slot, frames=value[0], of=value[1])
        return Finished(slot=slot, result=value)

    def _lose(self, worker: int, reason: str) -> Lost | None:
        if worker not in self._actors:
            return None  # it was told before, by another of its answers
        del self._actors[worker]
        slots = self._slots(worker)
        self._awaited = {r: a for r, a in self._awaited.items() if a[1] not in slots}
        return Lost(slots=slots, reason=f"its worker was lost: {reason}")


class RayWorker:
    """What runs in an actor."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._worker: Worker | None = None
        self._loading = threading.Lock()
        self._frames: dict[int, tuple[int, int]] = {}

    def load(self) -> str:
        """Load the networks, once; why that cannot be done, else ``""``."""
        import cv2

        cv2.setNumThreads(self._orders.config.runtime.threads)
        with self._loading:
            try:
                self._worker = self._worker or Worker(self._orders)
            except SteadyposeError as error:
                return str(error)
        return ""

    def do(self, slot: int, task: Task) -> Result:
        """Do a task."""
        if self._worker is None:
            raise RuntimeError("load comes first")
        self._frames[slot] = (0, 0)
        return self._worker.do(task, lambda done, of: self._frames.update({slot: (done, of)}))

    def frames(self, slot: int) -> tuple[int, int]:
        """Frames of the slot's task that are done, and that it promises."""
        return self._frames.get(slot, (0, 0))


def _with_absolute_output(orders: Orders) -> Orders:
    return replace(orders, output=str(Path(orders.output).expanduser().absolute()))


def _require_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise InputError("--ray needs Ray: pip install 'steadypose[ray]'") from error
    return ray


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:_REASON_CHARS]
