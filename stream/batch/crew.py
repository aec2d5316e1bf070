"""What a batch needs of its workers, wherever they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from steadypose.stream.batch.videos import Result, Task


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A worker has loaded its networks."""

    slot: int


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """A worker cannot work at all, for a reason that holds for every other too."""

    slot: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """Frames of the worker's task that are done, and that it promises (0: not known)."""

    slot: int
    frames: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A worker's task is over."""

    slot: int
    result: Result


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A worker is gone, and its task with it."""

    slot: int
    reason: str


Message = Ready | Unusable | Progressed | Finished | Lost


class Crew(Protocol):
    """Workers by number. A worker that is lost may be started anew under its number."""

    size: int

    def start(self, slot: int) -> None:
        """Have a worker load its networks; ``Ready``, ``Unusable`` or ``Lost`` will follow."""
        ...

    def give(self, slot: int, task: Task) -> None:
        """Have a ready worker do a task; ``Finished`` or ``Lost`` will follow."""
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
