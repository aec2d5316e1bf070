"""INT8 on a network of three convolutions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto

from steadypose.engines.refiner.int8 import Method, Quantiser, Recipe
from steadypose.engines.runtimes.onnx_runtime import OnnxRuntimeEngine
from steadypose.errors import ModelError
from tests.engines.refiner.three_convolutions import FILTER, FIRST, LAST, batch, write_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("int8") / "three.onnx")


@pytest.fixture(scope="module")
def quantiser(network: Path) -> Quantiser:
    return Quantiser(network.read_bytes())


def off(network: Path, graph: bytes) -> float:
    """Largest distance to FP32, as a share of what there is to be seen."""
    engine = OnnxRuntimeEngine(network, 1)
    single = engine.infer(batch(9))["keypoints"]
    found = OnnxRuntimeEngine(network, 1, graph).infer(batch(9))["keypoints"]
    return float(np.abs(found - single).max() / np.abs(single).max())


def kinds(graph: bytes) -> list[str]:
    return [node.op_type for node in onnx.ModelProto.FromString(graph).graph.node]


def test_layers_are_known_by_their_place(quantiser: Quantiser) -> None:
    assert quantiser.convolutions == (FIRST, FILTER, LAST)
    assert quantiser.part("first") == {FIRST}
    assert quantiser.part("depthwise") == {FILTER}
    assert quantiser.part("last") == {LAST}
    assert quantiser.groups() == {
        "trunk/first": {FIRST},
        "trunk/filter": {FILTER},
        "head/last": {LAST},
    }
    assert quantiser.groups(1) == {"trunk": {FIRST, FILTER}, "head": {LAST}}


@pytest.mark.parametrize("method", ["MinMax", "Entropy", "Percentile"])
def test_int8_is_near_fp32_and_not_the_same(
    network: Path, quantiser: Quantiser, method: Method, capsys: pytest.CaptureFixture[str]
) -> None:
    ranges = quantiser.calibrate(method, [batch(0), batch(1)])
    graph = quantiser.quantise(Recipe(method=method), ranges)
    assert kinds(graph).count("Conv") == 3
    assert kinds(graph).count("Relu") == 0  # the range of what follows does it
    assert "QuantizeLinear" in kinds(graph)
    assert 1e-5 < off(network, graph) < 0.1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "recipe",
    [Recipe(signed=True), Recipe(narrow=True), Recipe(joined=True)],
    ids=str,
)
def test_other_forms(network: Path, quantiser: Quantiser, recipe: Recipe) -> None:
    ranges = quantiser.calibrate("MinMax", [batch(0)])
    # Without VNNI pairs of products are added in 16 bits, where those of S8S8 overflow.
    overflows = recipe.signed and not _has_vnni()
    assert 1e-5 < off(network, quantiser.quantise(recipe, ranges)) < (1.0 if overflows else 0.2)


def _has_vnni() -> bool:
    """Whether the processor adds products of INT8 in 32 bits."""
    told = Path("/proc/cpuinfo")
    return not told.is_file() or "vnni" in told.read_text(encoding="utf-8")


def test_all_batches_count(network: Path, quantiser: Quantiser) -> None:
    dark = {name: value // 64 for name, value in batch(0).items()}
    dark["pose"] = dark["prior"] = batch(0)["pose"]
    of_dark = quantiser.quantise(Recipe(), quantiser.calibrate("MinMax", [dark]))
    of_both = quantiser.quantise(Recipe(), quantiser.calibrate("MinMax", [dark, batch(0)]))
    assert off(network, of_both) < 0.1 < 0.3 < off(network, of_dark)


def test_what_stays_in_fp32_between_int8_is_not_quantised_by_the_run_time(
    network: Path, quantiser: Quantiser
) -> None:
    ranges = quantiser.calibrate("MinMax", [batch(0), batch(1)])
    kept = quantiser.quantise(Recipe(floating=quantiser.part("depthwise")), ranges)
    weights = {t.name: t.data_type for t in onnx.ModelProto.FromString(kept).graph.initializer}
    assert weights["filter"] == TensorProto.FLOAT
    assert off(network, kept) < 0.1
    plain = ort.InferenceSession(kept, providers=["CPUExecutionProvider"])
    as_it_comes = plain.run(["keypoints"], batch(9))[0]
    single = OnnxRuntimeEngine(network, 1).infer(batch(9))["keypoints"]
    assert np.abs(as_it_comes - single).max() / np.abs(single).max() > 2 * off(network, kept)


def test_nothing_to_quantise(tmp_path: Path, quantiser: Quantiser) -> None:
    plain = write_network(tmp_path / "plain.onnx", layers=False)
    with pytest.raises(ModelError, match="no convolutions"):
        Quantiser(plain.read_bytes())
    with pytest.raises(ModelError, match="every convolution"):
        quantiser.quantise(Recipe(floating=frozenset(quantiser.convolutions)), None)
