"""A file that appears under its name only when it is complete."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

from steadypose.errors import OutputError


class PartFile:
    """Written under ``<name>.part`` beside its final place, renamed by ``commit``.

    What one ``write`` gives is written whole or not at all, so that after a full disk the file
    holds all that was written before.

    Args:
        path: The final name.
        spool: True for a helper file, which is read again and never renamed.

    Raises:
        OutputError: The file cannot be made.
    """

    def __init__(self, path: Path, *, spool: bool = False) -> None:
        self.path = path
        self._part = path.with_name(path.name + (".spool.part" if spool else ".part"))
        self._size = 0
        try:
            self._file = self._part.open("w+b", buffering=0)
        except OSError as error:
            raise self._failure(error) from error

    def write(self, text: str) -> None:
        """Append text as UTF-8.

        Raises:
            OutputError: It could not be written; the file is as it was before.
        """
        data = memoryview(text.encode())
        try:
            done = 0
            while done < len(data):
                done += self._file.write(data[done:])
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)
                self._file.seek(self._size)
            raise self._failure(error) from error
        self._size += len(data)

    def lines(self) -> Iterator[str]:
        """What was written, line by line, without its line ends."""
        self._file.seek(0)
        reader = io.BufferedReader(self._file)
        try:
            for line in reader:
                yield line.decode().rstrip("\n")
        finally:
            reader.detach()

    def commit(self) -> None:
        """Give the file its final name, in place of one that may be there.

        Raises:
            OutputError: It could not be renamed.
        """
        try:
            self._file.close()
            self._part.replace(self.path)
        except OSError as error:
            self.discard()
            raise self._failure(error) from error

    def discard(self) -> None:
        """Remove what was written; does nothing after ``commit``."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: cannot be written: {os.strerror(error.errno or 0)}")
