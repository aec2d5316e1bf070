"""What the output files of several sources are called."""

from __future__ import annotations

from collections.abc import Iterable

from steadypose.stream.records import SourceInfo


def unique_stems(infos: Iterable[SourceInfo]) -> list[str]:
    """One stem per source, in order: ``clip``, ``clip-2``, ``clip-3`` where names repeat.

    Upper and lower case count as equal, for file systems that do not tell them apart. The same
    sources in the same order always get the same stems.
    """
    taken: set[str] = set()
    stems = []
    for info in infos:
        stem, n = info.stem, 1
        while stem.casefold() in taken:
            n += 1
            stem = f"{info.stem}-{n}"
        taken.add(stem.casefold())
        stems.append(stem)
    return stems
