"""What a batch needs of its workers, wherever they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from steadypose.stream.batch.videos import Result, Task


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A slot's worker has loaded its networks."""

    slot: int


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """A worker, with all of its slots, cannot work at all."""

    slots: tuple[int, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """Frames of the slot's task that are done, and that it promises (0: not known)."""

    slot: int
    frames: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A slot's task is over."""

    slot: int
    result: Result


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A worker is gone, and with it all of its slots and their tasks."""

    slots: tuple[int, ...]
    reason: str


Message = Ready | Unusable | Progressed | Finished | Lost


class Crew(Protocol):
    """Workers, each with one slot or several, which are numbered through.

    A slot takes one task at a time. What is lost may be started anew under its number.

    Attributes:
        size: Number of slots.
        share: Slots of each worker; slot ``s`` is of worker ``s // share``.
    """

    size: int
    share: int

    def start(self, slot: int) -> None:
        """Have the slot's worker load its networks; a word about the slot will follow."""
        ...

    def give(self, slot: int, task: Task) -> None:
        """Have a ready slot do a task; ``Finished`` or ``Lost`` will follow."""
        ...

    def wait(self, timeout_s: float) -> Sequence[Message]:
        """What has happened, after at most so long."""
        ...

    def stop(self) -> None:
        """Ask every worker to end its task now; it tells what became of it."""
        ...

    def close(self) -> None:
        """End all workers, whatever they do."""
        ...
