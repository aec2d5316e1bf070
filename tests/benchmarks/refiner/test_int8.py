"""INT8 on a network of three convolutions."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from steadypose.benchmarks.refiner import run as bench
from steadypose.benchmarks.refiner.arguments import add_arguments
from steadypose.benchmarks.refiner.int8 import Method, Quantiser, Recipe, Session
from steadypose.engines.runtimes.onnx_runtime import OnnxRuntimeEngine
from steadypose.errors import InputError, ModelError
from tests.benchmarks.made_up import for_pycocotools, write_tiny_movenet
from tests.engines.refiner.data.made_up import STANDING, write_coco, write_lsp

FIRST, FILTER, LAST = "/trunk/first/Conv", "/trunk/filter/Conv", "/head/last/Conv"
CHANNELS = 4
CROP = (32, 24)
SEEN = np.array([1, 1, 1, 20], np.float32)
LOUD = np.array([16, 16, 16, 0.05], np.float32)
"""How large the channels of the first layer and the filters of the second are: in INT8 with one
scale for all filters the last is nothing."""


def write_network(path: Path, *, layers: bool = True) -> Path:
    """A refiner that moves all joints of a person by what three convolutions see in the crop."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(3, CHANNELS, 1, 1)) / (SEEN * LOUD)[:, None, None]
    tensors = {
        "first": np.abs(rng.normal(size=(CHANNELS, 3, 3, 3))) * SEEN[:, None, None, None] / 500,
        "filter": np.abs(rng.normal(size=(CHANNELS, 1, 3, 3))) * LOUD[:, None, None, None],
        "last": mixed / 4,
        "bias": rng.normal(size=CHANNELS) * LOUD,
        "no": np.zeros(1),
    }
    values = {name: value.astype(np.float32) for name, value in tensors.items()}
    integers = {"shape": np.array([0, 1, 3], np.int64)}
    nodes = [
        helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "first"], ["a"], FIRST, strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"], "/trunk/Relu"),
        helper.make_node("Conv", ["b", "filter", "bias"], ["c"], FILTER, group=CHANNELS),
        helper.make_node("Relu", ["c"], ["d"], "/trunk/Relu_1"),
        helper.make_node("Conv", ["d", "last"], ["e"], LAST),
        helper.make_node("GlobalAveragePool", ["e" if layers else "x"], ["f"], "/pool"),
        helper.make_node("Reshape", ["f", "shape"], ["g"]),
        helper.make_node("Mul", ["prior", "no"], ["h"]),
        helper.make_node("Add", ["pose", "g"], ["i"]),
        helper.make_node("Add", ["i", "h"], ["keypoints"]),
    ]
    if not layers:
        del nodes[2:7]
    joints = [helper.make_tensor_value_info(n, 1, ["N", 19, 3]) for n in ("pose", "prior")]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3])
    output = helper.make_tensor_value_info("keypoints", 1, ["N", 19, 3])
    constants = [numpy_helper.from_array(v, n) for n, v in (values | integers).items()]
    graph = helper.make_graph(nodes, "three", [image, *joints], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def batch(seed: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    nothing = np.zeros((4, 19, 3), np.float32)
    images = rng.integers(0, 256, (4, *CROP, 3), np.uint8)
    return {"image": images, "pose": nothing, "prior": nothing}


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
    found = Session(engine, graph, 1).infer(batch(9))["keypoints"]
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
    as_it_comes = OnnxRuntimeEngine(network, 1, kept).infer(batch(9))["keypoints"]
    single = OnnxRuntimeEngine(network, 1).infer(batch(9))["keypoints"]
    assert np.abs(as_it_comes - single).max() / np.abs(single).max() > 2 * off(network, kept)


def test_nothing_to_quantise(tmp_path: Path, quantiser: Quantiser) -> None:
    plain = write_network(tmp_path / "plain.onnx", layers=False)
    with pytest.raises(ModelError, match="no convolutions"):
        Quantiser(plain.read_bytes())
    with pytest.raises(ModelError, match="every convolution"):
        quantiser.quantise(Recipe(floating=frozenset(quantiser.convolutions)), None)


def options(*given: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([str(argument) for argument in given])


def test_the_section(tmp_path: Path, network: Path) -> None:
    """Each of AP, PCK and time before and after, for a network whose INT8 moves joints little."""
    pytest.importorskip("pycocotools")
    for name in ("coco", "lspet"):
        (tmp_path / name).mkdir()
    annotations, images = write_coco(tmp_path / "coco", 54)
    lsp = write_lsp(tmp_path / "lspet", 30)
    joints = np.concatenate([STANDING[:17], np.full((17, 1), 0.8)], 1).astype(np.float32)
    base = write_tiny_movenet(tmp_path / "base.onnx", joints)
    figures = tmp_path / "figures.jsonl"
    given = ["--coco", for_pycocotools(annotations), images, "--lsp", lsp, "--bases", base]
    given += ["--sections", "int8", "--resamples", 10, "--threads", 1, "--json", figures]
    assert bench.run(options(network, *given)) == 0
    found = [json.loads(line) for line in figures.read_text().splitlines()]
    metrics = [x["case"]["figure"] for x in found]
    assert sum("only" in metric for metric in metrics) == 3
    for words in ("U8S8", "S8S8", "7-bit", "sums too", "first layers (1)", "depthwise layers (1)"):
        assert any("distance" in metric and words in metric for metric in metrics)
    ap = [x for x in found if x["case"]["figure"].startswith("AP")]
    (mean,) = (x["values"] for x in ap if x["case"]["base"] == "mean")
    assert mean["groups"] == 40
    assert mean["met"] is True
    assert any(metric.startswith("PCK@0.2 %, all limbs") for metric in metrics)
    times = [x for x in found if "ms a person" in x["case"]["figure"]]
    threads = [x["case"]["figure"].split(",")[2] for x in times]
    assert threads == [" 1 threads"] * 2 + [" 2 threads"] * 2
    for values in (x["values"] for x in times):
        assert values["before"]["value"] > 0
        assert values["times"]["value"] > 0


def test_the_section_needs_validation_people(tmp_path: Path, network: Path) -> None:
    folder = tmp_path / "lspet"
    folder.mkdir()
    joints = np.zeros((17, 3), np.float32)
    base = write_tiny_movenet(tmp_path / "base.onnx", joints)
    given = ["--lsp", write_lsp(folder, 3), "--bases", base, "--sections", "int8"]
    with pytest.raises(InputError, match="int8: needs people of the validation split"):
        bench.run(options(network, *given))


def test_it_is_measured_only_when_asked_for() -> None:
    assert "int8" not in options("r.onnx").sections
    assert options("r.onnx", "--sections", "int8").sections == ["int8"]
