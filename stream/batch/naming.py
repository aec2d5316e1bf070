"""Where the results of each video go: names that are distinct, short enough, and stay."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from steadypose.stream.batch.videos import Video

_MAX_BYTES = 255 - 56
"""A name of a file system, less the longest that is put behind a stem:
``_000000000000_keypoints.json`` inside, ``.posetrack.json.spool.part`` beside, and ``-999``."""
_HASH_DIGITS = 8


@dataclass(frozen=True, kw_only=True)
class Found:
    """A video that was found.

    Attributes:
        source, shown, size, problem: See ``Video``.
        folder: Folder of its results below the output.
        file_name: Its own name with suffix.
        stem: The same without suffix.
    """

    source: str
    shown: str
    folder: str
    file_name: str
    stem: str
    size: int = 0
    problem: str = ""


def name_results(found: Sequence[Found]) -> list[Video]:
    """Give every video a stem that no other video of its output folder has.

    Videos of one folder that differ in their suffix alone are all called after their whole name, so
    that a name does not depend on the order; what is the same even then is numbered. A name that is
    too long for a file system is cut and ends in a hash of all of it.
    """
    stems = Counter(_key(one.folder, one.stem) for one in found)
    taken: set[tuple[str, str]] = set()
    videos = []
    for one in found:
        stem = one.stem if stems[_key(one.folder, one.stem)] == 1 else one.file_name
        stem = _distinct(one.folder, shortened(stem), taken)
        videos.append(
            Video(
                source=one.source,
                shown=one.shown,
                folder=one.folder,
                stem=stem,
                size=one.size,
                problem=one.problem,
            )
        )
    return videos


def shortened(stem: str) -> str:
    """The stem, or its beginning and a hash where it has too many bytes for a file's name."""
    data = stem.encode("utf-8", "surrogateescape")
    if len(data) <= _MAX_BYTES:
        return stem
    digest = hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]
    return data[: _MAX_BYTES - _HASH_DIGITS - 1].decode("utf-8", "ignore") + "~" + digest


def _distinct(folder: str, stem: str, taken: set[tuple[str, str]]) -> str:
    name, n = stem, 1
    while _key(folder, name) in taken:
        n += 1
        name = f"{stem}-{n}"
    taken.add(_key(folder, name))
    return name


def _key(folder: str, stem: str) -> tuple[str, str]:
    """Names that some file system takes for the same have the same key."""
    folder, stem = (unicodedata.normalize("NFC", text).casefold() for text in (folder, stem))
    return folder, stem
