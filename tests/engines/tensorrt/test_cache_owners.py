"""Whose files are taken for engines."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from steadypose.engines.tensorrt.cache import record_of
from steadypose.engines.tensorrt.owned import NotOwnedError
from steadypose.errors import EngineError
from tests.engines.tensorrt.kept import key, verified
from tests.engines.tensorrt.shop import Shop, one_line


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o722])
def test_a_folder_that_others_may_write_to_is_refused(shop: Shop, mode: int) -> None:
    path, _ = shop.get()
    shop.cache.folder.chmod(mode)
    for attempt in (
        lambda: shop.cache.find(key(), "net"),
        lambda: shop.cache.load(path),
        shop.get,
        lambda: shop.get(force=True),
    ):
        with pytest.raises(NotOwnedError) as error:
            attempt()
        assert f"chmod go-w '{shop.cache.folder}'" in one_line(error.value)
    assert shop.builds == 1


@pytest.mark.parametrize("which", ["engine", "manifest"])
def test_files_that_others_may_write_to_are_refused(shop: Shop, which: str) -> None:
    path, _ = shop.get()
    file = path if which == "engine" else record_of(path)
    file.chmod(0o620)
    with pytest.raises(NotOwnedError) as error:
        shop.get()
    assert f"chmod go-w '{file}'" in one_line(error.value)


def test_another_users_cache_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.get()
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(NotOwnedError) as error:
        shop.get()
    assert "belongs to another user" in one_line(error.value)


def test_links_and_pipes_in_the_place_of_engines_are_refused(shop: Shop, tmp_path: Path) -> None:
    path, _ = shop.get()
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EngineError) as error:
        shop.cache.load(path)
    assert "cannot be read" in one_line(error.value)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(EngineError) as error:
        shop.cache.load(path)
    assert "not a plain file" in one_line(error.value)


def test_engines_of_other_folders_are_not_loaded(shop: Shop, tmp_path: Path) -> None:
    path, _ = shop.get()
    elsewhere = shutil.copytree(shop.cache.folder, tmp_path / "elsewhere") / path.name
    with pytest.raises(EngineError) as error:
        shop.cache.load(elsewhere)
    assert "not in the cache of engines" in one_line(error.value)
    other = path.with_name("other.engine")
    shutil.copy2(path, other)
    shutil.copy2(record_of(path), record_of(other))
    with pytest.raises(EngineError, match="its manifest is another engine's"):
        shop.cache.load(other)


def test_a_file_in_the_place_of_the_folder(shop: Shop) -> None:
    shop.cache.folder.parent.mkdir()
    shop.cache.folder.write_text("x")
    with pytest.raises(EngineError, match="not a folder"):
        shop.get()


def test_an_engine_that_disagreed_is_not_used_again(shop: Shop) -> None:
    path, _ = shop.get()
    assert shop.cache.record_verified(path, verified()).verified == verified()
    assert shop.get()[1].verified == verified()
    shop.cache.record_verified(path, verified(ok=False, p99_px=33.3))
    with pytest.raises(EngineError) as error:
        shop.get()
    assert "p99 33.3 px" in one_line(error.value)
    assert "--force" in one_line(error.value)
    assert shop.get(force=True)[1].verified is None
    assert shop.builds == 2


def test_without_filelock_one_line_says_what_to_install(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(EngineError) as error:
        shop.get()
    assert "pip install 'steadypose[tensorrt]'" in one_line(error.value)
