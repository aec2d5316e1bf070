"""The whole measurement on made-up data and tiny networks with known outputs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from onnx import TensorProto

from steadypose.benchmarks.refiner import run as bench
from steadypose.benchmarks.refiner.arguments import USUAL, add_arguments
from steadypose.benchmarks.refiner.context import Context, Settings
from steadypose.benchmarks.refiner.crowds import make_crowd
from steadypose.benchmarks.refiner.people import TestData, load_test_data, people_of
from steadypose.benchmarks.refiner.sections.presence import empty_places
from steadypose.benchmarks.refiner.workbench import Workbench
from steadypose.engines.refiner.data.records import Picture
from steadypose.errors import InputError
from steadypose.geometry import box_iou
from tests.benchmarks.made_up import for_pycocotools, write_tiny_movenet
from tests.engines.refiner.data.made_up import (
    STANDING,
    lsp_labels,
    person,
    write_coco,
    write_lsp,
)
from tests.engines.refiner.tiny_refiner import MOVE_PX, write_tiny_refiner
from tests.engines.tiny_networks import write_constant_network

PARITY = "distance px of the crop, p99 [p50, largest]"
BOX = np.array([10, 5, 90, 195], np.float32)


@pytest.fixture
def coco(tmp_path: Path) -> tuple[Path, Path]:
    """People of 200 px^2, so that OKS sees two pixels."""
    folder = tmp_path / "coco"
    folder.mkdir()
    annotations, images = write_coco(folder, 54, area=200.0)
    return for_pycocotools(annotations), images


@pytest.fixture
def lsp(tmp_path: Path) -> Path:
    folder = tmp_path / "lspet"
    folder.mkdir()
    return write_lsp(folder, 60)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Finds COCO's people as many px of the crop too far left as the tiny refiner mends."""
    scale = 256 / (1.15 * (BOX[3] - BOX[1]))
    places = (STANDING[:17] - (BOX[:2] + BOX[2:]) / 2) * scale + (96 - MOVE_PX, 128)
    joints = np.concatenate([places, np.full((17, 1), 0.8)], 1).astype(np.float32)
    return write_tiny_movenet(tmp_path / "base.onnx", joints)


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    outputs = {
        "boxes": np.array([[[5, 5, 25, 35]]], np.float32),
        "scores": np.array([[0.9]], np.float32),
    }
    path = tmp_path / "detector.onnx"
    return write_constant_network(path, "image", ["N", 40, 40, 3], outputs, TensorProto.UINT8)


def options(*given: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([str(argument) for argument in given])


def test_every_section_on_known_networks(
    tmp_path: Path,
    coco: tuple[Path, Path],
    lsp: Path,
    base: Path,
    detector: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("pycocotools")
    refiner = write_tiny_refiner(tmp_path / "tiny.onnx")
    half = write_tiny_refiner(tmp_path / "half.onnx", half=True)
    figures, table = tmp_path / "figures.jsonl", tmp_path / "table.md"
    given = ["--coco", *coco, "--lsp", lsp, "--bases", base, "--detector", detector]
    given += ["--resamples", 20, "--threads", 1, "--compare", half, "--cache", tmp_path / "kept"]
    given += ["--json", figures, "--markdown", table, "--given-weight", 0]
    assert bench.run(options(refiner, *given)) == 0
    lines = [json.loads(line) for line in figures.read_text().splitlines()]
    found = {
        (x["what"].removeprefix("refiner "), x["case"].get("figure"), x["case"]["data"]): x
        for x in lines
    }
    check_coco(found)
    # The tiny refiner is of no size known, so there is nothing to compare the time with, and
    # its pictures are smaller than the people in them.
    measured = {x["what"] for x in lines} - {"refiner reliability"}
    assert measured == {f"refiner {name}" for name in set(USUAL) - {"cost", "presence"}}
    assert all(x["config"]["sha256"] and x["hardware"] for x in lines)
    assert table.read_text() == capsys.readouterr().out
    assert len(list((tmp_path / "kept").iterdir())) > 3


def check_coco(found: dict[tuple[str, str, str], Any]) -> None:
    """Two px of the crop too far left before, right after."""
    ap = found["ap", "AP", "COCO, ground-truth boxes"]
    assert ap["values"]["before"]["value"] < 60
    assert ap["values"]["after"]["value"] == pytest.approx(100)
    assert ap["n"] == ap["values"]["groups"] == 40
    assert ap["values"]["met"] is True
    assert found["ap", "AP", "COCO, detector.onnx boxes"]["values"]["after"]["value"] == 0
    harm = found["mistakes", "right joints made wrong %, PCKh 0.5", "COCO"]
    assert (harm["values"]["after"]["value"], harm["values"]["met"]) == (0, True)
    inversions = found["mistakes", "inversions %", "COCO"]
    assert inversions["values"]["after"]["value"] == 0
    parity = found["parity", PARITY, "half.onnx (unknown) against tiny.onnx (unknown)"]
    assert parity["values"]["change"]["value"] < 0.5
    jitter = found["jitter", "std over crop shifts, px of the crop", "COCO"]["values"]
    assert jitter["times"]["value"] == pytest.approx(1, abs=1e-3)  # both move with the crop
    ece = found["calibration", "ECE of 'within PCKh 0.5'", "COCO"]["values"]
    assert ece["after"]["value"] == pytest.approx(0.6, abs=0.01)  # told 0.4, and all are right


def test_sections_and_size_can_be_chosen(
    tmp_path: Path, lsp: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refiner = write_tiny_refiner(tmp_path / "tiny.onnx")
    given = ["--lsp", lsp, "--bases", base, "--limit", 2, "--sections", "pck"]
    assert bench.run(options(refiner, *given)) == 0
    printed = capsys.readouterr().out
    assert "### refiner pck" in printed
    assert "### refiner ap" not in printed
    assert "LSPet 2 pictures, 2 people" in printed


def test_kept_results_are_taken_again(
    tmp_path: Path, lsp: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refiner = write_tiny_refiner(tmp_path / "tiny.onnx")
    kept = tmp_path / "kept"
    given = ["--lsp", lsp, "--bases", base, "--sections", "pck", "--cache", kept]
    bench.run(options(refiner, *given))
    (file,) = kept.iterdir()
    np.save(file, np.zeros_like(np.load(file)))
    capsys.readouterr()
    bench.run(options(refiner, *given))
    (row,) = (x for x in capsys.readouterr().out.splitlines() if "all limbs" in x)
    assert row.split("|")[4].strip().startswith("0.000")


def test_only_the_test_split_is_measured_on(coco: tuple[Path, Path], lsp: Path) -> None:
    data = load_test_data(None, coco, lsp, None)
    assert data.coco is not None
    assert data.chooser is not None
    assert data.lspet is not None
    assert len(data.coco) == 40
    assert len(data.chooser) == 12
    assert not set(data.coco.pictures) & set(data.chooser.pictures)
    assert 0 < len(data.lspet) < 40
    few = load_test_data(None, coco, lsp, 5)
    assert few.coco is not None
    assert set(few.coco.pictures) < set(data.coco.pictures)


def test_some_people_are_always_the_same(lsp: Path) -> None:
    people = load_test_data(None, None, lsp, None).lspet
    assert people is not None
    some = people.some(5, "jitter")
    assert some.pictures == people.some(5, "jitter").pictures
    assert len(some) == 5
    assert set(people.some(3, "jitter").pictures) < set(some.pictures)


def test_empty_places_meet_nobody(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    cv2.imwrite(str(path), np.zeros((300, 600, 3), np.uint8))
    persons = (person((0, 20)), person((120, 20)))
    people = people_of(
        "COCO", [Picture(path=path, key="1", persons=persons, source="coco", group="1")]
    )
    refiner: Any = None
    no_data = TestData(coco=people, lspet=None, chooser=None, annotations=None)
    context = Context(bench=Workbench(refiner, []), data=no_data, settings=Settings())
    empty = empty_places(context, people)
    assert len(empty.people) == 2
    assert box_iou(empty.rows.boxes, people.rows.boxes).max() < 0.05
    assert (empty.rows.boxes >= 0).all()
    assert (empty.rows.boxes <= (600, 300, 600, 300)).all()


def test_no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STEADYPOSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="--data"):
        load_test_data(None, None, None, None)


def test_crowds_are_put_together(tmp_path: Path) -> None:
    """White people before grey ground: the guest is seen, and his joints are known."""
    folder = tmp_path / "lspet"
    folder.mkdir()
    write_lsp(folder, 60)
    np.savez(
        folder / "keypoints.npz",
        keypoints=np.repeat(lsp_labels()[None], 60, 0) + np.float32([[[40, 30, 0]]]),
        index=np.arange(2, 62),
    )
    for number, path in enumerate(sorted((folder / "images").iterdir())):
        cv2.imwrite(str(path), np.full((260, 200, 3), 3 * number, np.uint8))
    people = load_test_data(None, None, folder, None).lspet
    assert people is not None
    refiner: Any = None
    bench_ = Workbench(refiner, [], quiet=True)
    crowd = make_crowd(bench_, people, 8, seed=0)
    assert 4 <= len(crowd.people) <= 8
    for row in range(len(crowd.people)):
        assert len(np.unique(crowd.images[row])) > 2  # not the plain picture and black any more
        assert crowd.people.others[row].shape == (1, 19, 2)
        middle = crowd.people.truth[row][crowd.people.labelled[row]].mean(0)
        assert np.abs(middle - (96, 128)).max() < 40
    again = make_crowd(bench_, people, 8, seed=0)
    assert (again.images == crowd.images).all()
