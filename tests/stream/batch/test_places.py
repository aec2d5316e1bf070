"""Videos and results behind URLs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from steadypose.errors import InputError, OutputError
from steadypose.stream.batch.places import LocalPlace, Place, RemotePlace, at_hand, open_place
from tests.stream.batch.conftest import Batch
from tests.stream.batch.shelf import clip


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    """An object store in memory, empty at first."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


def test_a_batch_from_a_store_to_a_store(
    batch: Batch, store: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    for name in ("a.mp4", "day/b.mp4"):
        store.pipe_file(f"/in/{name}", clip(tmp_path / name).read_bytes())
    store.pipe_file("/in/bad.mp4", b"no video")
    options = ("-o", "memory://out", "--format", "jsonl,openpose")
    code, printed, _ = batch("memory://in", *options)
    assert code == 3
    assert "bad" in printed
    assert printed.splitlines()[-1] == "3 videos: 2 done, 1 failed"
    names = set(store.find("/out"))
    assert {"/out/a.jsonl", "/out/day/b.jsonl", "/out/day/b.summary.json"} <= names
    assert len([name for name in names if "/out/a.openpose/" in name]) == 12
    told = json.loads(store.cat_file("/out/steadypose-batch.json"))
    (reason,) = (v["reason"] for v in told["videos"] if v["reason"])
    assert reason.startswith("memory:///in/bad.mp4: not a video file")
    assert batch("memory://in", *options)[1].splitlines()[-1] == (
        "3 videos: 0 done, 2 skipped, 1 failed"
    )
    store.rm("/out/a.jsonl")
    assert batch("memory://in", *options)[1].splitlines()[-1] == (
        "3 videos: 1 done, 1 skipped, 1 failed"
    )


def test_sweeping_spares_who_is_called_alike(tmp_path: Path) -> None:
    for name in ("a.csv.part", "a.b.csv.part", "a.b.c.csv.part", "ab.csv.part", "a.csv"):
        (tmp_path / name).touch()
    (tmp_path / "a.openpose.part").mkdir()
    LocalPlace(tmp_path).sweep("a", ["a.b", "other"])
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"a.b.csv.part", "a.b.c.csv.part", "ab.csv.part", "a.csv"}


def test_what_is_not_there(store: fsspec.AbstractFileSystem) -> None:
    with (
        pytest.raises(InputError, match=r"clip\.mp4: cannot be fetched"),
        at_hand("memory://in/clip.mp4"),
    ):
        pass


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_both_places_do_the_same(
    store: fsspec.AbstractFileSystem, tmp_path: Path, kind: str
) -> None:
    place: Place = open_place(str(tmp_path) if kind == "local" else "memory://tree")
    assert isinstance(place, LocalPlace if kind == "local" else RemotePlace)
    with place.writing("a/b") as folder:
        (folder / "x.bin").write_bytes(b"12345")
        (folder / "many").mkdir()
        (folder / "many" / "one").write_bytes(b"123")
    assert place.sizes(["a/b/x.bin", "a/b/many", "a/none"]) == [5, 3, None]
    with place.reading("a/b/x.bin") as path:
        assert path.read_bytes() == b"12345"
    place.write_json("a/c.json", {"ü": 1})
    assert place.read_json("a/c.json") == {"ü": 1}
    assert place.read_json("a/b/x.bin") is None
    assert place.read_json("none.json") is None
    place.remove("a/b/many")
    place.remove("a/b/x.bin")
    place.remove("a/none")
    assert place.sizes(["a/b/x.bin", "a/b/many"]) == [None, None]


def test_a_store_that_takes_nothing(
    store: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError("access denied")

    monkeypatch.setattr(type(store), "pipe_file", refuse)
    with pytest.raises(OutputError, match=r"a\.json: cannot be written: access denied"):
        open_place("memory://tree").write_json("a.json", {})
