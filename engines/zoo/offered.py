"""A file that the user gives instead of a download, recognised by what it is, not by its name."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from steadypose.engines.zoo.cache import file_sha256
from steadypose.engines.zoo.records import Archive, Entry, Member
from steadypose.errors import InputError, ModelError


class Offered:
    """The user's file, which may be an archive, a member of one, or a finished file.

    Args:
        path: The file.

    Raises:
        InputError: There is no such file.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"--from-file {path}: no such file")
        self.path = path.absolute()
        self.sha256 = file_sha256(path)

    def finished(self, entry: Entry) -> Path | None:
        """The file, if it is the entry's finished file."""
        return self.path if self.sha256 == entry.sha256 else None

    def members(self, entry: Entry) -> dict[str, Path] | None:
        """Files of the entry's members by role, if the file is one and the rest lie beside it.

        Raises:
            ModelError: It is one, but another is missing.
        """
        if self.sha256 not in {member.sha256 for member in entry.members}:
            return None
        return {member.role: self._member(entry, member) for member in entry.members}

    def archive(self, archive: Archive) -> Path:
        """The file, if it is the archive, or one whose SHA-256 is not pinned but its members' are.

        Raises:
            ModelError: It is something else.
        """
        unpinned = archive.sha256 is None and zipfile.is_zipfile(self.path)
        if self.sha256 == archive.sha256 or unpinned:
            return self.path
        raise ModelError(
            f"--from-file {self.path}: its SHA-256 {self.sha256} is neither that of "
            f"{archive.file_name} ({archive.sha256 or 'not pinned'}) nor of a file made from it"
        )

    def _member(self, entry: Entry, member: Member) -> Path:
        if member.sha256 == self.sha256:
            return self.path
        path = self.path.with_name(PurePosixPath(member.path).name)
        if not path.is_file():
            raise ModelError(
                f"{entry.name}: {path.name} is needed as well; put it beside {self.path}"
            )
        return path
