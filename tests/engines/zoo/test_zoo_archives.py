from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from steadypose.engines.zoo import archives
from steadypose.engines.zoo.archives import extract
from steadypose.errors import ModelError

KINDS = pytest.mark.parametrize("kind", ["zip", "tgz"])


def pack(tiny: Any, kind: str, members: dict[str, bytes]) -> Path:
    path = Path(tiny.folder / f"pack.{kind}")
    path.write_bytes(getattr(tiny, kind)(members))
    return path


@KINDS
def test_takes_only_what_is_wanted(tiny: Any, tmp_path: Path, kind: str) -> None:
    members = {"a/one.bin": b"1" * 3_000_000, "a/two.bin": b"22", "b/three": b"333"}
    target = tmp_path / "out"
    target.mkdir()
    found = extract(pack(tiny, kind, members), ["b/three", "a/one.*"], target)
    assert {pattern: path.read_bytes() for pattern, path in found.items()} == {
        "b/three": b"333",
        "a/one.*": b"1" * 3_000_000,
    }
    assert len(list(target.iterdir())) == 2


@KINDS
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", "C:/evil"])
def test_refuses_names_that_point_outside(tiny: Any, tmp_path: Path, kind: str, name: str) -> None:
    path = pack(tiny, kind, {name: b"evil", "wanted": b"good"})
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(ModelError, match="points outside"):
        extract(path, ["*"], target)
    assert list(target.iterdir()) == []


@KINDS
def test_names_the_missing_file(tiny: Any, tmp_path: Path, kind: str) -> None:
    with pytest.raises(ModelError, match=r"pack\.\w+: there is no 'wanted' in it"):
        extract(pack(tiny, kind, {"other": b""}), ["wanted"], tmp_path)


@KINDS
def test_refuses_two_files_for_one_pattern(tiny: Any, tmp_path: Path, kind: str) -> None:
    path = pack(tiny, kind, {"a/net.onnx": b"1", "b/net.onnx": b"2"})
    with pytest.raises(ModelError, match="more than one"):
        extract(path, ["*net.onnx"], tmp_path)


@KINDS
def test_bounds_what_is_unpacked(
    tiny: Any, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 5_000_000)
    bomb = pack(tiny, kind, {"zeros": bytes(50_000_000)})
    assert bomb.stat().st_size < 100_000
    with pytest.raises(ModelError, match="unpacks to more than 5000000 bytes"):
        extract(bomb, ["zeros"], tmp_path)


@KINDS
@pytest.mark.parametrize("keep", [0.5, 0.95], ids=["half", "most"])
def test_says_that_an_archive_is_damaged(tiny: Any, tmp_path: Path, kind: str, keep: float) -> None:
    path = pack(tiny, kind, {"a": bytes(range(256)) * 500, "b": b"2"})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    # A tar file has no index: cut between two files, it just holds fewer.
    with pytest.raises(ModelError, match=r"damaged archive|there is no 'b'"):
        extract(path, ["a", "b"], tmp_path)


def test_does_not_follow_links(tmp_path: Path) -> None:
    path = tmp_path / "pack.tgz"
    with tarfile.open(path, "w:gz") as tape:
        link = tarfile.TarInfo("wanted")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tape.addfile(link, io.BytesIO())
    with pytest.raises(ModelError, match="there is no 'wanted'"):
        extract(path, ["wanted"], tmp_path)
