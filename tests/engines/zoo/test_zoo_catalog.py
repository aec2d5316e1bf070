from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from steadypose.engines.zoo import CATALOG, DEFAULTS, Entry, HttpsSource

ENTRIES = pytest.mark.parametrize("entry", CATALOG.values(), ids=lambda entry: entry.name)
ROLES = {"picodet": {"pdmodel", "pdiparams"}, "movenet": {"json", "bin"}}


@ENTRIES
def test_every_file_is_pinned(entry: Entry) -> None:
    digests = [entry.sha256, *(member.sha256 for member in entry.members)]
    if entry.archive.sha256 is not None:
        digests.append(entry.archive.sha256)
    assert all(digest and re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


@ENTRIES
def test_members_are_what_the_converter_takes(entry: Entry) -> None:
    roles = {member.role for member in entry.members}
    if entry.converter is None:
        assert len(entry.members) == 1
        assert entry.members[0].sha256 == entry.sha256
    else:
        assert roles == ROLES[entry.converter]


@ENTRIES
def test_is_described(entry: Entry) -> None:
    assert re.fullmatch("[a-z0-9-]+", entry.name)
    assert entry.licence
    assert entry.description
    assert urlsplit(entry.homepage).scheme == "https"
    assert entry.file_name.endswith(".mp4" if entry.kind == "clip" else ".onnx")


@ENTRIES
def test_downloads_are_encrypted_and_bounded(entry: Entry) -> None:
    if isinstance(entry.archive.source, HttpsSource):
        assert urlsplit(entry.archive.source.url).scheme == "https"
        assert entry.archive.source.url.endswith(entry.archive.file_name)
    else:
        assert entry.archive.size_bytes


def test_files_do_not_overwrite_each_other() -> None:
    names = [entry.file_name for entry in CATALOG.values()]
    assert len(set(names)) == len(names)


def test_defaults_come_from_package_registries() -> None:
    entries = [CATALOG[name] for name in DEFAULTS]
    assert {entry.kind for entry in entries} == {"detector", "estimator"}
    assert not any(isinstance(entry.archive.source, HttpsSource) for entry in entries)
    # Two downloads for five models.
    assert len({entry.archive for entry in entries}) == 2
