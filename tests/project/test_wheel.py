"""What the wheel and the sdist hold."""

from __future__ import annotations

import email
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Protocol

import pytest

pytestmark = pytest.mark.packaging

HOUSES = ("benchmarks", "configs", "engines", "stream", "trackers")
LINK = stat.S_IFLNK


class Distributions(Protocol):
    wheel: Path
    sdist: Path


def sources(root: Path) -> set[str]:
    """Every file that must be shipped, by its name below the package."""
    core = {path.name for path in (root / "steadypose").glob("*.py")} | {"py.typed"}
    houses = {
        path.relative_to(root).as_posix()
        for house in HOUSES
        for pattern in ("*.py", "*.yaml", "*.cu")
        for path in (root / house).rglob(pattern)
    }
    refiner = root / "engines" / "refiner"
    data = [*(refiner / "data").glob("*.txt"), *(refiner / "weights").glob("refiner-*")]
    serve = root / "stream" / "serve"
    data += [serve / "schema.json", *(serve / "page").iterdir()]
    extra = {path.relative_to(root).as_posix() for path in data}
    return {f"steadypose/{name}" for name in core | houses | extra}


def wheel_names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_has_one_top_level_name(distributions: Distributions) -> None:
    tops = {name.split("/")[0] for name in wheel_names(distributions.wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"steadypose"}
    assert len(tops) == 2


def test_the_wheel_holds_every_source_once(distributions: Distributions, root: Path) -> None:
    names = [n for n in wheel_names(distributions.wheel) if n.startswith("steadypose/")]
    assert len(names) == len(set(names))
    assert set(names) == sources(root)
    for house in HOUSES:
        assert f"steadypose/{house}/__init__.py" in names


def test_the_wheel_holds_files_not_links(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as archive:
        kinds = {stat.S_IFMT(info.external_attr >> 16) for info in archive.infolist()}
    assert LINK not in kinds


def test_the_sdist_holds_the_houses_as_files(distributions: Distributions, root: Path) -> None:
    with tarfile.open(distributions.sdist) as archive:
        members = archive.getmembers()
    assert not [m.name for m in members if m.issym() or m.islnk()]
    names = {member.name.partition("/")[2] for member in members}
    assert sources(root) <= names
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    assert not [name for name in names if name.split("/")[0] in HOUSES]


def test_the_metadata(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as archive:
        (path,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(path))
        (path,) = [n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt")]
        scripts = archive.read(path).decode()
        licences = [n for n in archive.namelist() if n.endswith("licenses/LICENSE")]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    extras = set(metadata.get_all("Provides-Extra") or [])
    assert {"tensorrt", "train", "serve", "ray", "dev"} <= extras
    assert "steadypose = steadypose.stream.cli.main:entry_point" in scripts
    assert len(licences) == 1
