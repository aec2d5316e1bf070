"""Who of a crew is free, and who may do what beside whom."""

from __future__ import annotations

from collections.abc import Iterable

from steadypose.stream.batch.videos import Task


class Roster:
    """The slots of a crew by what they do.

    Args:
        size: Number of slots.
        share: Slots of each worker.

    Attributes:
        running: Tasks by slot.
    """

    def __init__(self, size: int, share: int) -> None:
        self.running: dict[int, Task] = {}
        self._size, self._share = size, share
        self._starting: set[int] = set()
        self._idle: set[int] = set()
        self._retired: set[int] = set()

    def start(self, wanted: int) -> list[int]:
        """Slots to start now, so that ``wanted`` tasks find one if possible; count as starting."""
        short = wanted - len(self._starting) - len(self._idle)
        new = [slot for slot in self._spread(range(self._size)) if not self._is_known(slot)]
        new = new[: max(0, short)]
        self._starting.update(new)
        return new

    def ready(self, slot: int) -> None:
        """A slot can take tasks."""
        self._starting.discard(slot)
        self._idle.add(slot)

    def place(self, task: Task) -> int | None:
        """Put a task on a free slot and say which, or None where none is free for it.

        One that has to be alone waits for a worker that does nothing, and nobody joins it there.
        """
        free = [slot for slot in self._idle if self._may(slot, task)]
        if not free:
            return None
        slot = min(free, key=lambda s: (len(self._beside(s)), s))
        self._idle.discard(slot)
        self.running[slot] = task
        return slot

    def end(self, slot: int) -> Task:
        """A slot's task is over."""
        self._idle.add(slot)
        return self.running.pop(slot)

    def lose(self, slots: Iterable[int]) -> tuple[list[Task], bool]:
        """Slots are gone: the tasks that went with them, and whether one had not got to work."""
        gone = set(slots)
        unborn = bool(gone & self._starting)
        self._starting -= gone
        self._idle -= gone
        return [self.running.pop(slot) for slot in sorted(gone & set(self.running))], unborn

    def retire(self, slots: Iterable[int]) -> bool:
        """Never ask these slots again; whether that leaves nobody who works or could."""
        gone = set(slots)
        self._starting -= gone
        self._retired |= gone
        return len(self._retired) == self._size or not (self.running or self._idle)

    def _is_known(self, slot: int) -> bool:
        return slot in self._starting | self._idle | self._retired or slot in self.running

    def _spread(self, slots: Iterable[int]) -> list[int]:
        """The first slot of every worker, then the second of every one, and so on."""
        return sorted(slots, key=lambda s: (s % self._share, s))

    def _beside(self, slot: int) -> list[Task]:
        worker = slot // self._share
        return [task for s, task in self.running.items() if s // self._share == worker]

    def _may(self, slot: int, task: Task) -> bool:
        beside = self._beside(slot)
        return not beside if task.alone else not any(other.alone for other in beside)
