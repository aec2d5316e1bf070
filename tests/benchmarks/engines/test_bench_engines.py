"""``steadypose bench engines`` on tiny networks, on the processor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steadypose.benchmarks.command import run_alone
from steadypose.benchmarks.engines import networks
from steadypose.benchmarks.engines.feeds import People
from steadypose.benchmarks.engines.sections import difference, people
from steadypose.benchmarks.engines.torch_contenders import KINDS, TorchRefiner
from steadypose.engines.crops import cut
from steadypose.errors import EngineError, ModelError
from tests.benchmarks.engines.tiny import write_tiny_estimator
from tests.engines.refiner.tiny_refiner import write_tiny_refiner
from tests.engines.tiny_networks import write_constant_network


@pytest.fixture
def models(tmp_path: Path) -> list[str]:
    """A refiner in FP16 and an estimator."""
    refiner = write_tiny_refiner(tmp_path / "tiny-refiner.onnx", half=True)
    return [str(refiner), str(write_tiny_estimator(tmp_path / "tiny-estimator.onnx"))]


def bench(tmp_path: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    path = tmp_path / "records.jsonl"
    small = ["--device", "cpu", "--rounds", "3", "--warm", "1", "--threads", "1"]
    with pytest.raises(SystemExit) as stop:
        run_alone("engines", [*arguments, *small, "--json", str(path)])
    code = int(stop.value.code or 0)
    lines = path.read_text().splitlines() if path.is_file() else []
    return code, [json.loads(line) for line in lines]


def test_latency_of_every_batch(
    models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = bench(tmp_path, *models, "--sections", "latency", "--batches", "2", "1", "2")
    assert code == 0
    assert [tuple(r["case"][k] for k in ("model", "runtime", "batch")) for r in found] == [
        (model, "onnxruntime", batch)
        for model in ("tiny-refiner", "tiny-estimator")
        for batch in (1, 2)
    ]
    for record in found:
        values = record["values"]
        assert 0 < values["host_p50_ms"] <= values["host_p99_ms"]
        assert values["device_p50_ms"] is values["uploads"] is None
        assert values["rounds"] == 3
        assert record["case"]["precision"] == "fp32"
        assert record["case"]["engine"].startswith("onnxruntime ")
    first = found[0]
    assert set(first["config"]["models"]) == {"tiny-refiner", "tiny-estimator"}
    assert "cores" in first["hardware"]
    assert first["config"]["gpu"] == "none"
    assert "### engines latency" in capsys.readouterr().out


def test_soak_compares_the_first_batch_with_its_repeats(models: list[str], tmp_path: Path) -> None:
    more = ("--sections", "soak", "--soak-batches", "7", "--batches", "1", "3")
    code, found = bench(tmp_path, models[0], *more)
    assert code == 0
    (record,) = found
    assert record["values"]["batches"] == 7
    assert record["values"]["different"] == 0
    assert abs(record["values"]["host_growth_mb"]) < 100


@pytest.fixture
def one_person(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A picture, and the one who is found in it."""
    image = np.full((300, 400, 3), 90, np.uint8)
    crops = cut([image], np.array([[100.0, 50, 180, 250]]), (256, 192), 1.15)
    pose = np.zeros((1, 19, 3), np.float32)
    pose[:, :17] = 50, 60, 0.8
    monkeypatch.setattr(difference, "pictures", lambda folder, most: [image])
    monkeypatch.setattr(people, "pictures", lambda folder, most: [image])
    monkeypatch.setattr(difference, "find_people", lambda *_: People(crops, pose))
    return image


def test_differences_to_the_reference(
    models: list[str], tmp_path: Path, one_person: np.ndarray
) -> None:
    code, found = bench(tmp_path, *models, "--sections", "difference")
    assert code == 0
    assert [r["case"]["model"] for r in found] == ["tiny-refiner", "tiny-estimator"]
    for record in found:
        assert record["values"]["max_px"] == 0
        assert record["values"]["people"] == 1


def test_a_frame_with_people(
    models: list[str], tmp_path: Path, one_person: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = {"boxes": np.zeros((1, 1, 4), np.float32), "scores": np.zeros((1, 1), np.float32)}
    detector = write_constant_network(tmp_path / "d.onnx", "image", ["N", 96, 96, 3], boxes, 2)
    monkeypatch.setattr(people, "_DETECTOR", str(detector))
    code, found = bench(tmp_path, *models, "--sections", "people", "--people", "3")
    assert code == 0
    (record,) = found
    assert record["case"]["batch"] == 3
    values = record["values"]
    stages = values["detect_p50_ms"], values["estimate_p50_ms"], values["refine_p50_ms"]
    assert all(0 < ms <= values["all_p99_ms"] for ms in stages)
    assert values["all_p50_ms"] >= max(stages)


def test_a_run_time_that_fails_is_a_record(models: list[str], tmp_path: Path) -> None:
    more = ("--runtimes", "torch-graph", "onnxruntime", "--sections", "latency", "--batches", "1")
    code, found = bench(tmp_path, models[0], *more)
    assert code == 1
    assert [(r["case"]["runtime"], "host_p50_ms" in r["values"]) for r in found] == [
        ("torch-graph", False),
        ("onnxruntime", True),
    ]
    assert found[0]["values"]["note"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--device", "gpu"), "--device: expected auto"),
        (("--precision", "int8"), "--precision: expected fp16"),
        (("no-such-refiner.onnx",), "no such"),
        (("no-such-model",), "unknown model 'no-such-model'"),
    ],
)
def test_bad_arguments_are_one_line(
    tmp_path: Path, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run_alone("engines", [*arguments])
    assert stop.value.code == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert says in errors[0]


def test_what_is_at_hand_on_the_processor() -> None:
    found = networks.at_hand("cpu")
    assert "onnxruntime" in found
    assert not {"tensorrt", *KINDS} & set(found)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A refiner whose weights are all its own, small changes to an untrained one."""
    torch = pytest.importorskip("torch")
    from steadypose.engines.refiner.export import export_refiner
    from steadypose.engines.refiner.network import Refiner

    torch.manual_seed(0)
    model = Refiner("fast").eval()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.01 * torch.randn_like(value))
        model.calibration_scale.mul_(1.25)
    path = tmp_path_factory.mktemp("exported") / "refiner.onnx"
    export_refiner(model, path, "fp32", {})
    return path


class TestTorch:
    def test_has_the_exported_weights(self, exported: Path) -> None:
        network = networks.Network.named(str(exported))
        fed = {
            "image": np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8),
            "pose": np.full((1, 19, 3), 0.5, np.float32),
            "prior": np.zeros((1, 19, 3), np.float32),
        }
        here = TorchRefiner(exported, "torch", "cpu")
        assert here.faithful
        assert (here.precision, here.copies(fed), here.device_ms(fed, 2)) == ("fp32", None, None)
        there = network.on_processor("onnxruntime", 1)
        found, wanted = (e.infer(fed)["keypoints"] for e in (here, there))
        assert np.abs(found - wanted).max() < 1e-2
        here.close()

    @pytest.mark.parametrize("kind", ["torch-graph", "torch"])
    def test_says_what_it_lacks(self, exported: Path, kind: str) -> None:
        device = "cpu" if kind == "torch-graph" else "cuda"
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
        with pytest.raises(EngineError, match=f"{kind}: "):
            TorchRefiner(exported, kind, device)

    def test_does_not_know_other_networks(self, tmp_path: Path) -> None:
        pytest.importorskip("torch")
        path = write_tiny_refiner(tmp_path / "tiny.onnx")
        with pytest.raises(ModelError, match="not a refiner that steadypose export wrote"):
            TorchRefiner(path, "torch", "cpu")
