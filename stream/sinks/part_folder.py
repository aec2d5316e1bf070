"""A folder of files that appears under its name only when it is complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from steadypose.errors import OutputError


class PartFolder:
    """Gathered under ``<name>.part`` beside its final place, renamed by ``commit``.

    Args:
        folder: The final name; a folder of an earlier run is replaced.
        is_ours: Whether a file of this name may lie in such a folder.

    Attributes:
        path: Where files are put meanwhile.

    Raises:
        OutputError: It cannot be made, or a folder with other files in it has its name.
    """

    def __init__(self, folder: Path, is_ours: Callable[[str], bool]) -> None:
        self._folder = folder
        self.path = folder.with_name(folder.name + ".part")
        try:
            names = [p.name for p in folder.iterdir()] if folder.exists() else []
            others = [name for name in names if not is_ours(name)]
            if not others:
                if self.path.exists():
                    shutil.rmtree(self.path)
                self.path.mkdir()
        except OSError as error:
            raise self.failure(error) from error
        if others:
            raise OutputError(
                f"{folder}: is there already and holds other files ({others[0]}); "
                "choose another folder"
            )

    def commit(self) -> None:
        """Give the folder its final name, in place of one that may be there.

        Raises:
            OutputError: It could not be renamed.
        """
        try:
            if self._folder.exists():
                shutil.rmtree(self._folder)
            self.path.replace(self._folder)
        except OSError as error:
            self.discard()
            raise self.failure(error) from error

    def discard(self) -> None:
        """Remove what was gathered; does nothing after ``commit``."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self.path)

    def failure(self, error: OSError) -> OutputError:
        """The error to raise where a file in the folder cannot be written."""
        return OutputError(f"{self._folder}: cannot be written: {os.strerror(error.errno or 0)}")
