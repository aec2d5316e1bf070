"""Finding, checking and loading a refiner's file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from steadypose.engines import zoo
from steadypose.engines.refiner import REFINERS, load, load_refiner
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.runtimes import RuntimeOptions, usable_runtimes
from steadypose.errors import ModelError
from steadypose.poses import Poses
from steadypose.skeletons import COCO19
from tests.engines.refiner.tiny_refiner import write_tiny_refiner


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped weights with one refiner in it."""
    monkeypatch.setattr(load, "WEIGHTS", tmp_path)
    path = write_tiny_refiner(tmp_path / f"{REFINERS[0]}.onnx", half=True)
    write_record(path, zoo.file_sha256(path))
    return path


def write_record(path: Path, sha256: str | None) -> None:
    record = {"kind": "refiner", **({"sha256": sha256} if sha256 else {})}
    path.with_suffix(".json").write_text(json.dumps(record))


def test_a_shipped_refiner_by_its_name(shipped: Path) -> None:
    refiner = load_refiner(REFINERS[0])
    assert refiner.engine.path == shipped
    assert refiner.engine.name == REFINERS[0]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("refiner-fsat", "did you mean 'refiner-fast'"),
        (REFINERS[1], "not part of this installation; train one"),
        ("none.onnx", r"none\.onnx: no such refiner"),
    ],
)
def test_what_is_not_there_is_named(shipped: Path, name: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        load_refiner(name)


def test_a_shipped_file_must_be_what_its_record_says(shipped: Path) -> None:
    shipped.write_bytes(shipped.read_bytes() + b"\0")
    with pytest.raises(ModelError, match=r"not the file that refiner-fast\.json tells of"):
        load_refiner(REFINERS[0])
    write_record(shipped, None)
    with pytest.raises(ModelError, match="not the file that"):
        load_refiner(REFINERS[0])
    shipped.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"refiner-fast\.json: missing"):
        load_refiner(REFINERS[0])


def test_a_file_of_ones_own_may_have_no_record_but_no_wrong_one(tmp_path: Path) -> None:
    path = write_tiny_refiner(tmp_path / "own.onnx")
    load_refiner(str(path))
    write_record(path, None)
    load_refiner(str(path))
    write_record(path, "0" * 64)
    with pytest.raises(ModelError, match="export it again"):
        load_refiner(str(path))


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_record_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    path = write_tiny_refiner(tmp_path / "own.onnx")
    path.with_suffix(".json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"own\.json: "):
        load_refiner(str(path))


def test_files_that_are_no_refiner_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ModelError, match="not a readable ONNX"):
        load_refiner(str(path))
    with pytest.raises(ModelError, match=r"not a refiner: expected image, pose, prior"):
        load_refiner(str(write_tiny_refiner(tmp_path / "odd.onnx", joints=17)))


def test_halves_become_singles_and_always_the_same_bytes(tmp_path: Path) -> None:
    path = write_tiny_refiner(tmp_path / "half.onnx", half=True)
    assert b"move" in path.read_bytes()
    wide = onnx.load_from_string(float32_graph(path))
    half = onnx.TensorProto.FLOAT16
    assert half not in {t.data_type for t in wide.graph.initializer}
    casts = [a.i for n in wide.graph.node if n.op_type == "Cast" for a in n.attribute]
    assert half not in casts
    assert float32_graph(path) == float32_graph(path)


@pytest.mark.parametrize("runtime", [n for n, v in usable_runtimes().items() if v])
def test_every_run_time_computes_a_half_network_in_full(tmp_path: Path, runtime: str) -> None:
    path = write_tiny_refiner(tmp_path / "half.onnx", half=True)
    refiner = load_refiner(str(path), RuntimeOptions(runtime=runtime, threads=1))
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 200, (2, 19, 2))
    boxes = np.array([[0.0, 0, 200, 200]] * 2)
    poses = Poses.create(points, np.full((2, 19), 0.8), boxes, skeleton=COCO19)
    refined = refiner.refine(np.zeros((200, 200, 3), np.uint8), poses)
    way = refined.keypoints - poses.keypoints
    # In FP16 places would be rounded to an eighth of a crop pixel.
    assert np.abs(way - way[0, 0]).max() < 1e-3
    assert np.allclose(refined.scores, 0.4, atol=1e-6)
