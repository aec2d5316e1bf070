"""Bringing catalogue entries into the cache."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from steadypose._version import __version__
from steadypose.engines.zoo.archives import extract
from steadypose.engines.zoo.cache import (
    Report,
    cache_folder,
    entry_path,
    file_sha256,
    publish,
    work_folder,
)
from steadypose.engines.zoo.lookup import expected_sha256, get_entry
from steadypose.engines.zoo.offered import Offered
from steadypose.engines.zoo.records import Archive, Entry
from steadypose.engines.zoo.sources import bring
from steadypose.errors import InputError, ModelError


def fetch(
    names: Sequence[str],
    *,
    cache_dir: Path | None = None,
    from_file: Path | None = None,
    offline: bool = False,
    sha256: str | None = None,
    progress: Report | None = None,
) -> list[Path]:
    """Bring entries into the cache: download, unpack, convert, and check each step's SHA-256.

    A file that is there and whole is left as it is. An archive that several of the entries share
    is downloaded once and not kept. Processes that fetch at the same time wait for each other.

    Args:
        names: Names of the catalogue.
        cache_dir: The cache; by default ``cache_folder()``.
        from_file: Take an entry's archive, member or finished file from here instead of
            downloading it. What it is, its SHA-256 says; of several members, the others are
            looked for beside it.
        offline: Download nothing.
        sha256: What the downloaded archive must be, needed where the catalogue pins nothing.
        progress: Told what happens, a line at a time, licences included.

    Returns:
        The files, in the order of ``names``.

    Raises:
        InputError: ``sha256`` is not one, or the entries come from more than one archive; there is
            no file ``from_file``.
        ModelError: An entry is unknown, cannot be had, or is not what it should be.
        OutputError: The cache cannot be written, or its disk is full.
    """
    entries = [get_entry(name) for name in names]
    if sha256 is not None:
        _refuse_bad_pin(entries, sha256)
    folder = cache_dir or cache_folder()
    report = progress or _silent
    if not all(_is_whole(entry, folder) for entry in entries):
        offered = Offered(from_file) if from_file is not None else None
        with work_folder(folder, report) as work:
            maker = _Maker(folder, work, offered, offline, sha256, report)
            for entry in entries:
                if not _is_whole(entry, folder):  # another process may have made it meanwhile
                    maker.make(entry)
    for entry in entries:
        report(f"{entry.name}: {entry.licence}")
    return [entry_path(entry, folder) for entry in entries]


def _refuse_bad_pin(entries: Sequence[Entry], sha256: str) -> None:
    if not re.fullmatch(r"\s*[0-9a-fA-F]{64}\s*", sha256):
        raise InputError(f"--sha256 '{sha256}': expected 64 hexadecimal digits")
    if len({entry.archive for entry in entries}) > 1:
        raise InputError("--sha256 is of one archive; name only models that come from it")


def _silent(_line: str) -> None:
    pass


def _is_whole(entry: Entry, folder: Path) -> bool:
    path = entry_path(entry, folder)
    return path.is_file() and file_sha256(path) == expected_sha256(entry, path)


class _Maker:
    """Makes entries in one work folder, keeping downloaded archives until all are made."""

    def __init__(
        self,
        folder: Path,
        work: Path,
        offered: Offered | None,
        offline: bool,
        sha256: str | None,
        report: Report,
    ) -> None:
        self._folder, self._work = folder, work
        self._offered, self._offline = offered, offline
        self._sha256 = sha256.strip().lower() if sha256 else None
        self._report = report
        self._archives: dict[Archive, Path] = {}

    def make(self, entry: Entry) -> None:
        """Make the entry's file and move it to its place."""
        place = self._new_folder()
        finished = self._offered.finished(entry) if self._offered else None
        if finished is None:
            members = self._members(entry, place)
            finished = self._finish(entry, members, place)
        made = place / entry.file_name
        if finished != made:
            shutil.copyfile(finished, made)
        actual = file_sha256(made)
        _check(
            actual, entry.sha256, f"{entry.name}: the finished file {entry.file_name}", _CONVERTED
        )
        size = made.stat().st_size
        path = entry_path(entry, self._folder)
        publish(made, path, _manifest(entry, actual, size))
        self._report(f"{entry.name}: ready at {path} ({size / 2**20:.1f} MiB)")

    def _members(self, entry: Entry, place: Path) -> dict[str, Path]:
        members = self._offered.members(entry) if self._offered else None
        if members is None:
            archive = self._archive(entry)
            self._report(f"{entry.name}: unpacking {archive.name}")
            found = extract(archive, [member.path for member in entry.members], place)
            members = {member.role: found[member.path] for member in entry.members}
        for member in entry.members:
            _check(
                file_sha256(members[member.role]),
                member.sha256,
                f"{entry.name}: the file {member.path} of {entry.archive.file_name}",
            )
        return members

    def _finish(self, entry: Entry, members: dict[str, Path], place: Path) -> Path:
        if entry.converter is None:
            return members[entry.members[0].role]
        # Imported on use: it brings onnx, which looking up and listing do not need.
        from steadypose.engines.zoo.convert import convert

        self._report(f"{entry.name}: converting")
        made = place / entry.file_name
        made.write_bytes(convert(entry, members))
        return made

    def _archive(self, entry: Entry) -> Path:
        archive = entry.archive
        if archive not in self._archives:
            path = self._offered.archive(archive) if self._offered else self._download(entry)
            actual = file_sha256(path)
            what = f"{entry.name}: the archive {archive.file_name}"
            _check(actual, archive.sha256, what)
            _check(actual, self._sha256, what)
            self._archives[archive] = path
        return self._archives[archive]

    def _download(self, entry: Entry) -> Path:
        archive = entry.archive
        if self._offline:
            raise ModelError(
                f"{entry.name}: not at hand, and fetching is offline; {_by_hand(entry)}"
            )
        _refuse_unpinned(entry, self._sha256)
        size = f", {archive.size_bytes / 2**20:.0f} MiB" if archive.size_bytes else ""
        self._report(f"{entry.name}: downloading {archive.file_name} ({archive.source.text}{size})")
        try:
            return bring(archive, self._new_folder(), self._report)
        except ModelError as error:
            raise ModelError(f"{entry.name}: {error}; {_by_hand(entry)}") from error

    def _new_folder(self) -> Path:
        path = self._work / str(len(list(self._work.iterdir())))
        path.mkdir()
        return path


_CONVERTED = (
    " (converted with other versions of numpy or onnx than are known to agree; please report both)"
)


def _check(actual: str, expected: str | None, what: str, hint: str = "") -> None:
    if expected is not None and actual != expected:
        raise ModelError(f"{what} has SHA-256 {actual}, expected {expected}; not used{hint}")


def _refuse_unpinned(entry: Entry, sha256: str | None) -> None:
    pinned = entry.archive.sha256 or sha256 or all(m.sha256 for m in entry.members)
    if not pinned:
        raise ModelError(
            f"{entry.name}: no SHA-256 is known of {entry.archive.file_name}; find it out from a "
            f"source you trust and run: steadypose models fetch {entry.name} --sha256 HEX"
        )


def _by_hand(entry: Entry) -> str:
    """How to do without a download."""
    archive = entry.archive
    pin = f"SHA-256 {archive.sha256}"
    if archive.sha256 is None:
        pin = f"its {entry.members[0].path.lstrip('*')} has SHA-256 {entry.members[0].sha256}"
    return (
        f"by hand: get {archive.file_name} ({pin}; {archive.source.text}) on any machine and run: "
        f"steadypose models fetch {entry.name} --from-file {archive.file_name}"
    )


def _manifest(entry: Entry, sha256: str, size_bytes: int) -> dict[str, Any]:
    """The record kept beside the file."""
    return {
        "name": entry.name,
        "sha256": sha256,
        "size_bytes": size_bytes,
        "licence": entry.licence,
        "homepage": entry.homepage,
        "source": entry.archive.source.text,
        "archive": {"file_name": entry.archive.file_name, "sha256": entry.archive.sha256},
        "members": {member.path: member.sha256 for member in entry.members},
        "converter": entry.converter,
        "made_by": {"steadypose": __version__, "python": platform.python_version()},
    }
