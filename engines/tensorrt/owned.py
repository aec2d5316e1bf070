"""Files that only their owner can have written: an engine runs on the GPU as a program would."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from steadypose.errors import EngineError

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
# A pipe in a file's place must not hold up whoever opens it.
_READ = os.O_RDONLY | _NO_LINKS | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS | getattr(os, "O_BINARY", 0)


class NotOwnedError(EngineError):
    """A file or folder that somebody else may have written."""


def check_folder(folder: Path) -> bool:
    """Whether the folder is there.

    Raises:
        NotOwnedError: It is another user's, or others may write to it.
        EngineError: It is no folder, or cannot be read.
    """
    try:
        found = folder.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise EngineError(f"{folder}: cannot be read: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise EngineError(f"{folder}: not a folder; move it away")
    _check(found, folder)
    return True


def make_folder(folder: Path) -> None:
    """Make the folder for its owner alone, unless it is there.

    Raises:
        EngineError: As of ``check_folder``.
        OSError: It cannot be made.
    """
    if not check_folder(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        check_folder(folder)


def read_owned(path: Path, most_bytes: int) -> bytes:
    """The content of a file.

    Raises:
        NotOwnedError: It is another user's, or others may write to it.
        EngineError: It is no plain file, or larger than ``most_bytes``.
        OSError: It cannot be read.
    """
    descriptor = os.open(path, _READ)
    with open(descriptor, "rb") as file:  # noqa: PTH123  # of a descriptor
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise EngineError(f"{path}: not a plain file; move it away")
        _check(found, path)
        if found.st_size > most_bytes:
            raise EngineError(f"{path}: {found.st_size} bytes, expected at most {most_bytes}")
        return file.read()


def write_owned(path: Path, content: bytes, *, locked: bool = True) -> None:
    """Write a file in one step, through one that ends in ``.part``, readable for its owner alone.

    Whoever reads ``path`` sees the old content or the new, even after the power has failed.

    Args:
        path: The file.
        content: What is to be in it.
        locked: Nobody else writes it meanwhile. Else each process has a part of its own, which
            lies about where that process is killed.

    Raises:
        OSError: It cannot be written; nothing is left of it.
    """
    part = path.with_name(path.name + (".part" if locked else f".{os.getpid()}.part"))
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, _WRITE, 0o600), "wb") as file:  # noqa: PTH123  # of a descriptor
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _check(found: os.stat_result, path: Path) -> None:
    if not hasattr(os, "geteuid"):  # Windows keeps such rights elsewhere
        return
    remedy = "engines are loaded only where nobody else can have put them"
    if found.st_uid != os.geteuid():
        raise NotOwnedError(
            f"{path}: belongs to another user (id {found.st_uid}); {remedy}: "
            "set STEADYPOSE_CACHE to a folder of your own"
        )
    if found.st_mode & _OTHERS_WRITE:
        raise NotOwnedError(f"{path}: others may write to it; {remedy}: chmod go-w '{path}'")


def _sync_folder(folder: Path) -> None:
    """Make the renaming last; not every system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
