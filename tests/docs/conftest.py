"""A folder with what the documents' examples name, on stand-ins for the networks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from steadypose.configs import Config
from steadypose.stream.cli.main import main
from steadypose.stream.engine_room import EngineRoom
from tests.cli.conftest import encode
from tests.stream.stand_ins import scene, stand_in_room, walk


@pytest.fixture(autouse=True)
def without_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing load a detector or an estimator."""

    def load(cls: type[EngineRoom], config: Config) -> EngineRoom:
        return stand_in_room(config)

    monkeypatch.setattr(EngineRoom, "load", classmethod(load))


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips, and PoseTrack files of them as truth and as predictions."""
    folder = tmp_path_factory.mktemp("examples")
    encode(folder / "clip.mp4", [scene(boxes) for boxes in walk(12)])
    for name in ("door.mp4", "lecture.mp4"):
        shutil.copy(folder / "clip.mp4", folder / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EngineRoom, "load", classmethod(lambda cls, config: stand_in_room(config)))
        track = ("track", str(folder / "clip.mp4"), "--quiet", "-o")
        assert main([*track, str(folder / "results")]) == 0
        assert main([*track, str(folder / "gt"), "--format", "posetrack"]) == 0
    (folder / "gt" / "clip.summary.json").unlink()
    shutil.copytree(folder / "gt", folder / "pred")
    truth = folder / "gt" / "clip.posetrack.json"
    content = json.loads(truth.read_text())
    for person in content["annotations"]:  # people who annotate mark the head too
        x, y, width, height = person["bbox"]
        person["bbox_head"] = [x, y, width, height / 6]
    truth.write_text(json.dumps(content))
    return folder


@pytest.fixture
def workplace(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples' folder, as the current folder."""
    place = tmp_path / "workplace"
    shutil.copytree(examples, place)
    monkeypatch.chdir(place)
    return place
