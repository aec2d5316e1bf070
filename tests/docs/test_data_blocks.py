"""The JSON, YAML and other files in the documents are read by what reads such files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from steadypose import load_config
from steadypose.configs import LiveConfig
from steadypose.stream.sources.camera_lists import read_cameras
from tests.docs.documents import Block, all_blocks

KNOWN = {"json", "python", "sh", "sql", "text", "yaml"}
MOST_EXCUSES = 3


@pytest.mark.parametrize("block", all_blocks("json"), ids=str)
def test_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=str)
def test_yaml(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert yaml.safe_load(block.text)
    path = tmp_path / "example.yaml"
    path.write_text(block.text, encoding="utf-8")
    if block.note == "file: cameras.yaml":
        check_cameras(path, monkeypatch)
    elif not block.note:
        load_config(str(path))


@pytest.mark.parametrize("block", all_blocks("text"), ids=str)
def test_text(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if block.excuse:
        return
    assert block.note == "file: cameras.streams"
    path = tmp_path / "example.streams"
    path.write_text(block.text, encoding="utf-8")
    check_cameras(path, monkeypatch)


def check_cameras(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_PASSWORD", "secret")
    cameras = read_cameras(path)
    assert cameras[0].name == "door"
    assert all(camera.config(LiveConfig()) for camera in cameras)
    assert all("secret" not in str(camera) for camera in cameras)


def test_no_block_is_in_a_language_that_nothing_checks() -> None:
    every = all_blocks(*KNOWN)
    assert {block.language for block in every} == KNOWN
    assert len(every) == len(all_blocks(*KNOWN, "", "bash", "console", "shell", "toml", "js"))


def test_few_blocks_are_excused_and_each_says_why() -> None:
    excused = [block for block in all_blocks(*KNOWN) if block.note.startswith("not run")]
    assert len(excused) <= MOST_EXCUSES
    assert all(len(block.excuse) > 20 for block in excused)
    assert {block.language for block in excused} <= {"sql", "text"}
