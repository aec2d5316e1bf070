"""Weights read back from an exported refiner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper

from steadypose.engines.refiner.export import distances, run_onnx
from steadypose.engines.refiner.exported import is_exported, read_exported
from steadypose.engines.refiner.load import refiner_path
from steadypose.engines.refiner.network import Refiner
from steadypose.engines.refiner.training.start import begin
from steadypose.errors import InputError, ModelError


@pytest.mark.parametrize("name", ["refiner-fast", "refiner-accurate"])
def test_torch_and_the_shipped_file_agree(name: str) -> None:
    path = refiner_path(name)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (2, 96, 64, 3), np.uint8)
    pose = rng.uniform(5, 60, (2, 19, 3)).astype(np.float32) / (1, 1, 60)
    given = (image, pose.astype(np.float32), pose[::-1].astype(np.float32).copy())
    with torch.inference_mode():
        found = read_exported(path).eval()(*(torch.from_numpy(x) for x in given)).numpy()
    apart = distances(found, run_onnx(path, *given))
    assert apart["max_px"] < 0.05
    assert apart["max_score"] < 1e-3


def test_training_may_start_from_a_shipped_refiner() -> None:
    assert is_exported(refiner_path("refiner-fast"))
    model = Refiner("fast")
    begin(model, "refiner-fast")
    there = read_exported(refiner_path("refiner-fast")).state_dict()
    for name, value in model.state_dict().items():
        if not name.startswith("calibration"):
            assert torch.equal(value, there[name])
    assert model.calibration_scale.eq(1).all()
    with pytest.raises(InputError, match="refiner-fast: the fast refiner, not accurate"):
        begin(Refiner("accurate"), "refiner-fast")


def write_graph(path: Path, record: str = "") -> Path:
    graph = helper.make_graph([], "nothing", [], [])
    model = helper.make_model(graph)
    if record:
        model.metadata_props.add(key="steadypose", value=record)
    onnx.save(model, path)
    return path


def test_what_is_no_refiner_is_refused(tmp_path: Path) -> None:
    plain = write_graph(tmp_path / "plain.onnx")
    assert not is_exported(plain)
    assert not is_exported(tmp_path / "absent.onnx")
    with pytest.raises(ModelError, match="not a refiner that steadypose export wrote"):
        read_exported(plain)
    with pytest.raises(ModelError, match="not a readable ONNX"):
        read_exported(tmp_path / "absent.onnx")
    empty = write_graph(tmp_path / "empty.onnx", '{"kind": "refiner", "variant": "fast"}')
    with pytest.raises(ModelError, match="expected 4 reshaped parameters, got 0"):
        read_exported(empty)
