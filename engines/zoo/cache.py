"""The user's cache folder: where files lie, and how they get there whole or not at all.

Layout: ``models/`` and ``clips/`` hold finished files, each beside a ``.json`` that says where it
came from; ``work/`` holds what is being made. Everything in ``work/`` is made under one lock, so
whatever is found there on taking the lock was left by a process that died.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from steadypose.engines.zoo.records import Entry
from steadypose.errors import OutputError

Report = Callable[[str], None]
"""Takes one line of progress."""

_WAIT_S = 0.2
_FULL = (errno.ENOSPC, errno.EDQUOT)


def cache_folder() -> Path:
    """The cache: ``$STEADYPOSE_CACHE``, or ``steadypose`` in the system's place for caches."""
    own = os.environ.get("STEADYPOSE_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).expanduser().absolute() / "steadypose"


def entry_path(entry: Entry, folder: Path) -> Path:
    """Where the entry's file lies, or would lie, in the cache ``folder``."""
    return folder / ("clips" if entry.kind == "clip" else "models") / entry.file_name


def manifest_path(path: Path) -> Path:
    """The file that says where the file at ``path`` came from."""
    return path.with_name(path.name + ".json")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """What is recorded about the file at ``path``; empty where nothing readable is."""
    try:
        content = json.loads(manifest_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def publish(made: Path, path: Path, manifest: dict[str, Any]) -> None:
    """Move a finished file, of the same file system, to its place and record ``manifest``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = made.with_name(made.name + ".json")
    record.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    # The record first: a file without its record is hashed when it is looked up, a record
    # without its file is no file.
    record.replace(manifest_path(path))
    made.replace(path)


@contextlib.contextmanager
def work_folder(folder: Path, report: Report) -> Iterator[Path]:
    """A folder of one's own in the cache ``folder``, held alone by this process, then removed.

    Waits while another process is at work there.

    Raises:
        OutputError: The cache cannot be written, or its disk is full.
    """
    with clear_write_errors(folder):
        work = folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        with _locked(folder / ".lock", report):
            _empty(work)
            try:
                yield Path(tempfile.mkdtemp(dir=work))
            finally:
                _empty(work)


@contextlib.contextmanager
def clear_write_errors(folder: Path) -> Iterator[None]:
    """Turn an ``OSError`` of writing in the cache into an ``OutputError`` of one line."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OutputError(full_disk(folder)) from error
        reason = error.strerror or type(error).__name__
        place = error.filename or folder
        raise OutputError(
            f"cannot write to the cache {folder} ({place}: {reason}); "
            "make it writable or set STEADYPOSE_CACHE to another folder"
        ) from error


def full_disk(folder: Path) -> str:
    """What to tell when the disk of the cache ``folder`` is full."""
    return (
        f"no space left for the cache {folder}; free some or set STEADYPOSE_CACHE to a folder "
        "on another disk"
    )


def _empty(folder: Path) -> None:
    for item in folder.iterdir():
        shutil.rmtree(item, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock file; the system lets go of it when the process ends, however it ends."""
    with path.open("a+b") as file:
        if not _try_lock(file):
            report(f"waiting for another steadypose that is filling the cache {path.parent}")
            while not _try_lock(file):
                time.sleep(_WAIT_S)
        try:
            yield
        finally:
            _unlock(file)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
