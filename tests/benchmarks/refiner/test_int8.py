"""The section that measures ways to quantise, on a network of three convolutions."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from steadypose.benchmarks.refiner import run as bench
from steadypose.benchmarks.refiner.arguments import add_arguments
from steadypose.errors import InputError
from tests.benchmarks.made_up import for_pycocotools, write_tiny_movenet
from tests.engines.refiner.data.made_up import STANDING, write_coco, write_lsp
from tests.engines.refiner.three_convolutions import write_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("int8") / "three.onnx")


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
