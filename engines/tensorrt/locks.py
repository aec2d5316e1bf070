"""Locks between processes; the system lets go of one when its process ends, however it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from steadypose.errors import EngineError

if TYPE_CHECKING:
    from filelock import BaseFileLock


@contextlib.contextmanager
def hold(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock at ``path``, after everybody else has let go of it.

    Args:
        path: The lock's file, in a folder that is there.
        waiting: Called once where somebody else holds it.

    Raises:
        EngineError: The library that locks is not installed.
        OSError: The file cannot be made.
    """
    lock, taken = _lock_at(path)
    try:
        lock.acquire(blocking=False)
    except taken:
        if waiting is not None:
            waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def hold_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock at ``path`` if nobody else does, and say whether. Raises as ``hold``."""
    lock, taken = _lock_at(path)
    try:
        lock.acquire(blocking=False)
    except taken:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _lock_at(path: Path) -> tuple[BaseFileLock, type[Exception]]:
    try:
        from filelock import FileLock, Timeout
    except ImportError as error:
        raise EngineError(
            f"engines are kept with the help of filelock, which cannot be imported ({error}); run: "
            "pip install 'steadypose[tensorrt]'"
        ) from error
    return FileLock(path, mode=0o600), Timeout
