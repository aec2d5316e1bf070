"""Bringing what was written to the disk itself, beside the work."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

EVERY_S = 1.0


class Syncer:
    """Calls ``fsync`` on files once a second, on a thread of its own.

    A process that is killed loses nothing that it wrote; a computer that loses power loses what
    was not brought to the disk yet. ``fsync`` may take long, so nobody waits for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: tuple[Path, ...] = ()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="steadypose-fsync")
        self._thread.start()

    def watch(self, *paths: Path) -> None:
        """Take these files in place of the ones before, which are brought to the disk once more."""
        with self._lock:
            done, self._paths = self._paths, paths
        for path in done:
            sync(path)

    def close(self) -> None:
        """Bring everything to the disk and end."""
        self._stop.set()
        self._thread.join()
        self.watch()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            with self._lock:
                paths = self._paths
            for path in paths:
                sync(path)


def sync(path: Path) -> None:
    """Bring a file or a folder to the disk; one that is gone is no error."""
    with contextlib.suppress(OSError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
