"""Taking wanted files out of wheels, ZIP files and compressed tar files.

Archives are not trusted: nothing is written under a name that comes from one, names that point
outside are refused, and what is unpacked is bounded.
"""

from __future__ import annotations

import fnmatch
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from steadypose.errors import ModelError

MAX_MEMBER_BYTES = 256 << 20
"""A member that unpacks to more is refused."""

_BLOCK_BYTES = 1 << 20


def extract(archive: Path, patterns: Sequence[str], folder: Path) -> dict[str, Path]:
    """Unpack the one file that matches each pattern.

    Args:
        archive: A ``.whl``, ``.zip`` or ``.tgz`` file.
        patterns: Paths in the archive; ``*`` stands for anything.
        folder: Where the files are written, under names made up here.

    Returns:
        The written file of each pattern.

    Raises:
        ModelError: The archive is damaged, holds a name that points outside, lacks a pattern, has
            several files for one, or a file is too large.
    """
    found: dict[str, Path] = {}
    with _reading(archive):
        for name, stream in _files(archive):
            _refuse_outside(archive, name)
            for pattern in patterns:
                if not fnmatch.fnmatchcase(name, pattern):
                    continue
                if pattern in found:
                    raise ModelError(f"{archive.name}: more than one file is '{pattern}'")
                target = folder / f"member-{len(found)}"
                _copy(stream, target, f"{archive.name}: {name}")
                found[pattern] = target
    missing = [pattern for pattern in patterns if pattern not in found]
    if missing:
        raise ModelError(f"{archive.name}: there is no '{missing[0]}' in it")
    return found


class _Lazy:
    """A member's content, opened on the first read; most members are never read."""

    def __init__(self, source: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        self._source, self._member = source, member
        self._file: IO[bytes] | None = None

    def read(self, size: int) -> bytes:
        if self._file is None:
            self._file = self._source.open(self._member)
        return self._file.read(size)


def _files(archive: Path) -> Iterator[tuple[str, _Lazy | IO[bytes]]]:
    """Names and contents of all regular files; a tar file is read once, front to back."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as pack:
            for member in pack.infolist():
                if not member.is_dir():
                    yield member.filename, _Lazy(pack, member)
        return
    with tarfile.open(archive, "r|*") as tape:
        for item in tape:
            stream = tape.extractfile(item) if item.isreg() else None
            if stream is not None:
                yield item.name, stream


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    damaged = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
    try:
        yield
    except damaged as error:
        raise ModelError(f"{archive.name}: damaged archive ({error}); fetch it again") from error


def _refuse_outside(archive: Path, name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ModelError(f"{archive.name}: refused, its file '{name}' points outside the archive")


def _copy(stream: _Lazy | IO[bytes], target: Path, what: str) -> None:
    left = MAX_MEMBER_BYTES
    with target.open("wb") as file:
        while block := stream.read(_BLOCK_BYTES):
            left -= len(block)
            if left < 0:
                raise ModelError(f"{what}: refused, unpacks to more than {MAX_MEMBER_BYTES} bytes")
            file.write(block)
