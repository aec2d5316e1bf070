"""What is in the cache: finding a file, listing, and checking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steadypose.engines.zoo.cache import cache_folder, entry_path, file_sha256, read_manifest
from steadypose.engines.zoo.catalog import CATALOG
from steadypose.engines.zoo.records import Entry
from steadypose.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class EntryStatus:
    """Whether an entry's file is at hand, judged without reading the file.

    Attributes:
        entry: The entry.
        path: Where its file lies or would lie.
        ready: Whether ``locate`` would return it.
        problem: Why not, in a few words; empty when ready.
    """

    entry: Entry
    path: Path
    ready: bool
    problem: str


@dataclass(frozen=True, kw_only=True)
class VerifyResult:
    """Outcome of comparing a file's SHA-256 with the expected one.

    Attributes:
        name: The entry's name.
        path: The file.
        ok: Whether it is there and is what it should be.
        message: What is wrong and what to do; empty when ok.
    """

    name: str
    path: Path
    ok: bool
    message: str


def get_entry(name: str) -> Entry:
    """The entry of that name; raises ModelError where there is none."""
    try:
        return CATALOG[name]
    except KeyError:
        known = ", ".join(CATALOG)
        raise ModelError(f"unknown model '{name}'; known are: {known}") from None


def locate(name: str, *, cache_dir: Path | None = None) -> Path:
    """The file of an entry in the cache.

    The file is not read: its size and recorded origin are compared with the catalogue. ``verify``
    compares the SHA-256.

    Raises:
        ModelError: No such entry, the file is not there, or it is not the one of this version.
    """
    found = _status(get_entry(name), cache_dir or cache_folder())
    if not found.ready:
        raise ModelError(f"model '{name}' is {found.problem}; run: steadypose models fetch {name}")
    return found.path


def status(*, cache_dir: Path | None = None) -> list[EntryStatus]:
    """The state of every entry, in the order of the catalogue."""
    folder = cache_dir or cache_folder()
    return [_status(entry, folder) for entry in CATALOG.values()]


def verify(
    names: Sequence[str] | None = None, *, cache_dir: Path | None = None
) -> list[VerifyResult]:
    """Compare files with their pinned SHA-256; by default those that are at hand.

    Raises:
        ModelError: No such entry.
    """
    folder = cache_dir or cache_folder()
    if names is None:
        entries = [entry for entry in CATALOG.values() if entry_path(entry, folder).exists()]
    else:
        entries = [get_entry(name) for name in names]
    return [_verify(entry, entry_path(entry, folder)) for entry in entries]


def expected_sha256(entry: Entry, path: Path) -> str | None:
    """What the file must be: by the catalogue, else as recorded when it was fetched."""
    return entry.sha256 or read_manifest(path).get("sha256")


def _status(entry: Entry, folder: Path) -> EntryStatus:
    path = entry_path(entry, folder)
    problem = _problem(entry, path)
    return EntryStatus(entry=entry, path=path, ready=not problem, problem=problem)


def _problem(entry: Entry, path: Path) -> str:
    if not path.is_file():
        return "not at hand"
    record = read_manifest(path)
    recorded = record.get("sha256") or file_sha256(path)
    if recorded != (entry.sha256 or recorded):
        return "another version's"
    if record and record.get("size_bytes") != path.stat().st_size:
        return "damaged"
    return ""


def _verify(entry: Entry, path: Path) -> VerifyResult:
    if not path.is_file():
        message = f"not at hand; run: steadypose models fetch {entry.name}"
        return VerifyResult(name=entry.name, path=path, ok=False, message=message)
    expected, actual = expected_sha256(entry, path), file_sha256(path)
    if actual == expected:
        return VerifyResult(name=entry.name, path=path, ok=True, message="")
    message = (
        f"{path} has SHA-256 {actual}, expected {expected}; "
        f"run: steadypose models fetch {entry.name}"
    )
    return VerifyResult(name=entry.name, path=path, ok=False, message=message)
