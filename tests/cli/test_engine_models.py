"""Which networks and pictures the engine commands take."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from steadypose.configs import load_config
from steadypose.engines import zoo
from steadypose.engines.refiner.load import refiner_path
from steadypose.engines.tensorrt.device import Gpu
from steadypose.errors import InputError, ModelError
from steadypose.stream.cli.engine_models import read_pictures, wanted_models
from tests.engines.refiner.tiny_refiner import write_tiny_refiner
from tests.media import number_of, write_clip, write_pictures

GPU = Gpu(index=0, name="a GPU", capability=(9, 0), memory_bytes=1 << 34)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A refiner's file, which gives back the pose that it is given, moved by 2 crop pixels."""
    return write_tiny_refiner(tmp_path / "net.onnx")


def test_what_a_preset_uses(monkeypatch: pytest.MonkeyPatch, net: Path) -> None:
    monkeypatch.setattr(zoo, "locate", lambda name: net.with_name(f"{name}.onnx"))
    for name in ("picodet-s-416", "picodet-s-416x736", "movenet-thunder"):
        net.with_name(f"{name}.onnx").write_bytes(net.read_bytes())
    config = load_config("balanced")
    names = [w.name for w in wanted_models(config, [])]
    assert names == ["picodet-s-416", "picodet-s-416x736", "movenet-thunder"]
    refined = replace(config, refiner=replace(config.refiner, enabled=True, model=str(net)))
    assert [w.name for w in wanted_models(refined, [])] == [*names, "net"]
    twice = wanted_models(config, ["refiner-fast", str(net), str(net)])
    assert [w.given for w in twice] == ["refiner-fast", str(net)]
    assert twice[0].path == refiner_path("refiner-fast")


def test_pictures_are_spread_over_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEADYPOSE_CACHE", str(tmp_path / "empty"))
    clip = write_clip(tmp_path / "clip.mp4", frames=50)
    shown = [number_of(image) for image in read_pictures(str(clip))]
    assert shown == list(range(0, 50, 4))
    few = write_pictures(tmp_path / "few", 3)
    assert len(read_pictures(str(few))) == 3
    with pytest.raises(ModelError, match="steadypose models fetch demo-clip"):
        read_pictures(None)


def test_where_pyav_is_missing_there_are_no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "steadypose.stream.sources", None)
    with pytest.raises(InputError, match=r"pictures cannot be read .*pip install av"):
        read_pictures("clip.mp4")
