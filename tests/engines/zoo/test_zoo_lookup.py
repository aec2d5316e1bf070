from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steadypose.engines import zoo
from steadypose.errors import ModelError


@pytest.fixture
def fetched(tiny: Any) -> Path:
    """The file of the entry ``tiny``, fetched into ``tiny.cache``."""
    tiny.npm_entry()
    return zoo.fetch(["tiny"], cache_dir=tiny.cache)[0]


def test_locate_says_how_to_get_what_is_missing(tiny: Any) -> None:
    tiny.npm_entry()
    with pytest.raises(
        ModelError, match="'tiny' is not at hand; run: steadypose models fetch tiny"
    ):
        zoo.locate("tiny", cache_dir=tiny.cache)


def test_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"unknown model 'movenet'; known are: .*movenet-thunder"):
        zoo.locate("movenet", cache_dir=tmp_path)


def test_locate_finds_in_the_cache_of_the_environment(
    tiny: Any, fetched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEADYPOSE_CACHE", str(tiny.cache))
    assert zoo.locate("tiny") == fetched
    assert fetched == tiny.cache / "models" / "tiny.onnx"


def test_locate_does_not_read_the_file(tiny: Any, fetched: Path) -> None:
    data = bytearray(fetched.read_bytes())
    data[0] ^= 1
    fetched.write_bytes(data)
    assert zoo.locate("tiny", cache_dir=tiny.cache) == fetched
    (result,) = zoo.verify(cache_dir=tiny.cache)
    assert not result.ok
    assert zoo.file_sha256(fetched) in result.message
    assert "steadypose models fetch tiny" in result.message


def test_cut_file_is_damaged(tiny: Any, fetched: Path) -> None:
    fetched.write_bytes(fetched.read_bytes()[:-1])
    with pytest.raises(ModelError, match="'tiny' is damaged"):
        zoo.locate("tiny", cache_dir=tiny.cache)


def test_file_of_another_version_is_not_used(tiny: Any, fetched: Path) -> None:
    archive = tiny.archive("npm", b"")
    tiny.install(tiny.entry(archive, "package/net.onnx", sha256="0" * 64))
    with pytest.raises(ModelError, match="'tiny' is another version's"):
        zoo.locate("tiny", cache_dir=tiny.cache)


@pytest.mark.parametrize("record", [None, "", "[1]", "{"], ids=["gone", "empty", "list", "cut"])
def test_file_without_a_usable_record_is_hashed(
    tiny: Any, fetched: Path, record: str | None
) -> None:
    manifest = fetched.with_name("tiny.onnx.json")
    if record is None:
        manifest.unlink()
    else:
        manifest.write_text(record)
    assert zoo.locate("tiny", cache_dir=tiny.cache) == fetched
    fetched.write_bytes(b"something else")
    with pytest.raises(ModelError, match="another version's"):
        zoo.locate("tiny", cache_dir=tiny.cache)


def test_status_tells_each_entry(tiny: Any, fetched: Path) -> None:
    (state,) = zoo.status(cache_dir=tiny.cache)
    assert (state.ready, state.problem, state.path) == (True, "", fetched)
    fetched.unlink()
    (state,) = zoo.status(cache_dir=tiny.cache)
    assert (state.ready, state.problem) == (False, "not at hand")


def test_verify_looks_at_what_is_there_unless_named(tiny: Any, fetched: Path) -> None:
    assert [result.ok for result in zoo.verify(cache_dir=tiny.cache)] == [True]
    fetched.unlink()
    assert zoo.verify(cache_dir=tiny.cache) == []
    (result,) = zoo.verify(["tiny"], cache_dir=tiny.cache)
    assert not result.ok
    assert "run: steadypose models fetch tiny" in result.message


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"STEADYPOSE_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/steadypose"),
        ("linux", {}, "/home/me/.cache/steadypose"),
        ("darwin", {}, "/home/me/Library/Caches/steadypose"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/steadypose"),
    ],
)
def test_cache_folder(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], expected: str
) -> None:
    for name in ("STEADYPOSE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert zoo.cache_folder() == Path(expected)
