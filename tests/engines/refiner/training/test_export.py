from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from steadypose.engines import zoo
from steadypose.engines.refiner import load_refiner
from steadypose.errors import InputError, OutputError
from steadypose.poses import Poses
from steadypose.skeletons import COCO19

from .made_up import Spots

torch = pytest.importorskip("torch")

if TYPE_CHECKING:
    from steadypose.engines.refiner.network import Refiner

SIZES = [(1, 64, 64), (3, 96, 64), (2, 128, 160)]


@pytest.fixture(scope="module")
def model() -> Refiner:
    """A network that has seen a little, so that its heat has clear peaks."""
    from steadypose.engines.refiner.network import Refiner
    from steadypose.engines.refiner.training.loop import Trainer
    from steadypose.engines.refiner.training.recipe import MachineRecipe, OptimiserRecipe, Recipe

    torch.manual_seed(0)
    model = Refiner("fast")
    with torch.no_grad():
        model.calibration_scale.fill_(0.8)
        model.calibration_bias.fill_(0.5)
    recipe = Recipe(
        steps=40,
        optimiser=OptimiserRecipe(rate=3e-3, backbone_rate=3e-3),
        machine=MachineRecipe(device="cpu", workers=0),
    )
    trainer = Trainer(model, recipe, Spots(1), Spots(2), Path())
    for number in range(recipe.steps):
        from steadypose.engines.refiner.training.tensors import to_tensors

        trainer._one_step(to_tensors(Spots(1)(number), torch.device("cpu")))
    return trainer.model.eval()


@pytest.fixture(scope="module")
def files(model: Refiner, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from steadypose.engines.refiner.export import export_refiner

    folder = tmp_path_factory.mktemp("exported")
    found = {}
    for precision in ("fp32", "fp16"):
        found[precision] = folder / f"{precision}.onnx"
        export_refiner(model, found[precision], precision, {"recipe": "abc"})
    return found


def inputs(count: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count * height + width)
    image = rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    pose = rng.uniform(0, 1, (count, 19, 3)).astype(np.float32)
    pose[..., :2] *= (width, height)
    prior = np.roll(pose, 1, 1)
    pose[:, ::4] = 0
    prior[:, ::3] = 0
    return image, pose, prior


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_torch_and_onnx_agree(
    model: Refiner, files: dict[str, Path], size: tuple[int, ...]
) -> None:
    from steadypose.engines.refiner.export import distances, run_onnx

    given = inputs(*size)
    with torch.inference_mode():
        expected = model(*map(torch.from_numpy, given)).numpy()
    found = run_onnx(files["fp32"], *given)
    assert found.dtype == np.float32
    apart = distances(expected, found)
    assert apart["max_px"] < 0.05
    assert apart["max_score"] < 1e-3


def test_fp16_is_close_to_fp32_and_half_its_size(files: dict[str, Path]) -> None:
    from steadypose.engines.refiner.export import distances, run_onnx

    batch = Spots(9, size=8)(0)
    given = (batch.image, batch.pose, batch.prior)
    apart = distances(*(run_onnx(files[p], *given) for p in ("fp32", "fp16")))
    assert apart["p50_px"] < 0.25
    assert apart["max_px"] > 0, "FP16 is another arithmetic"
    small, large = (files[p].stat().st_size for p in ("fp16", "fp32"))
    assert small < 0.55 * large
    assert small <= 20e6


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_contract(files: dict[str, Path], precision: str) -> None:
    graph = onnx.load(files[precision])
    assert [(o.domain, o.version) for o in graph.opset_import] == [("", 17)]

    def told(value: onnx.ValueInfoProto) -> tuple[str, int, list[str | int]]:
        tensor = value.type.tensor_type
        dims = [d.dim_param or d.dim_value for d in tensor.shape.dim]
        return value.name, tensor.elem_type, dims

    assert [told(value) for value in graph.graph.input] == [
        ("image", onnx.TensorProto.UINT8, ["N", "H", "W", 3]),
        ("pose", onnx.TensorProto.FLOAT, ["N", 19, 3]),
        ("prior", onnx.TensorProto.FLOAT, ["N", 19, 3]),
    ]
    assert [told(value) for value in graph.graph.output] == [
        ("keypoints", onnx.TensorProto.FLOAT, ["N", 19, 3])
    ]
    kinds = {
        i.data_type
        for i in graph.graph.initializer
        if any(i.name in n.input for n in graph.graph.node if n.op_type == "Conv")
    }
    assert kinds == {onnx.TensorProto.FLOAT16 if precision == "fp16" else onnx.TensorProto.FLOAT}


def test_the_record_is_beside_the_file_and_in_it(files: dict[str, Path]) -> None:
    beside = json.loads(files["fp16"].with_suffix(".json").read_text())
    inside = {p.key: p.value for p in onnx.load(files["fp16"]).metadata_props}
    assert beside.pop("sha256") == zoo.file_sha256(files["fp16"])
    assert json.loads(inside["steadypose"]) == beside
    assert beside["variant"] == "fast"
    assert beside["precision"] == "fp16"
    assert beside["recipe"] == "abc"


def test_the_model_is_left_as_it_is(model: Refiner, files: dict[str, Path]) -> None:
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_an_export_to_nowhere_is_told(model: Refiner, tmp_path: Path) -> None:
    from steadypose.engines.refiner.export import export_refiner

    with pytest.raises(OutputError, match="cannot be written"):
        export_refiner(model, tmp_path / "absent" / "a.onnx", "fp32", {})


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    from steadypose.engines.refiner.training.finish import load_best

    with pytest.raises(InputError, match="training run"):
        load_best(tmp_path)


def test_an_exported_file_runs_in_the_pose_refiner(files: dict[str, Path]) -> None:
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 255, (200, 200, 3), np.uint8)
    boxes = np.array([[10.0, 10, 90, 190], [60, 20, 180, 180]])
    inside = rng.uniform(0.2, 0.8, (2, 19, 2))
    points = boxes[:, None, :2] + inside * (boxes[:, None, 2:] - boxes[:, None, :2])
    poses = Poses.create(points, np.full((2, 19), 0.7), boxes, skeleton=COCO19)
    full, half = (load_refiner(str(files[kind]))(picture, poses) for kind in ("fp32", "fp16"))
    scale = 1.15 * 180 / 256
    away = np.linalg.norm(full.keypoints - half.keypoints, axis=2) / scale
    assert np.percentile(away, 90) < 0.5
    assert np.abs(full.scores - half.scores).max() < 0.02
