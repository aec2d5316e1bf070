"""``steadypose export --precision int8``, and what the processor then runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steadypose.engines import zoo
from steadypose.engines.refiner import load_refiner
from steadypose.engines.refiner.data.estimates import Pass, run_passes
from steadypose.engines.refiner.data.gather import load_pictures
from steadypose.engines.runtimes import RuntimeOptions
from steadypose.errors import ModelError
from tests.cli.conftest import Run
from tests.cli.reading import one_line
from tests.engines.refiner.data.made_up import standing, write_coco
from tests.engines.refiner.three_convolutions import batch, write_network


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """The options that name pictures, some of the validation split, and what was found on them."""
    folder = tmp_path_factory.mktemp("int8")
    labels, images = write_coco(folder, 70)
    estimates = folder / "estimates.npz"
    passes = [Pass(name="thunder", estimate=standing, model="made up")]
    run_passes(load_pictures(coco=(labels, images)), passes, estimates)
    return ["--coco", labels, images, "--estimates", estimates]


def quantise(run: Run, model: Path, output: Path, data: list[object]) -> tuple[int, str, str]:
    return run("export", model, "--precision", "int8", "-o", output, *data)


def joints_of(model: Path, **how: bool) -> tuple[Path, np.ndarray]:
    """The file that runs, and what it makes of a batch."""
    refiner = load_refiner(str(model), RuntimeOptions(device="cpu"), **how)
    return refiner.engine.path, refiner.engine.infer(batch(9))["keypoints"]


def test_the_processor_takes_what_was_quantised(
    run: Run, tmp_path: Path, data: list[object]
) -> None:
    model = write_network(tmp_path / "mine.onnx")
    small = tmp_path / "mine-int8.onnx"
    assert joints_of(model)[0] == model

    code, printed, errors = quantise(run, model, small, data)
    assert (code, errors) == (0, "")
    assert printed.startswith(f"{small}: ")
    assert "px of the crop" in printed
    record = json.loads(small.with_suffix(".json").read_text())
    assert record["of"] == zoo.file_sha256(model)
    assert record["precision"] == "int8"
    assert 0 < record["moved_px"]["p90"] < 5

    path, found = joints_of(model)
    single, exact = joints_of(model, int8=False)
    assert (path, single) == (small, model)
    assert not np.array_equal(found, exact)
    with pytest.raises(ModelError, match="name the file it was made of"):
        load_refiner(str(small))
    code, _, errors = quantise(run, small, tmp_path / "again.onnx", data)
    assert code == 2
    assert "name the file it was made of" in one_line(errors)

    model.write_bytes(write_network(tmp_path / "new.onnx").read_bytes() + b"\x72\x00")
    with pytest.raises(ModelError, match=r"not made of mine\.onnx; export it again"):
        load_refiner(str(model))


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        ("--estimates", "--estimates: needed with --precision int8"),
        ("--coco", "no data set named"),
    ],
)
def test_what_it_needs_is_named(
    run: Run, tmp_path: Path, data: list[object], left_out: str, says: str
) -> None:
    place = data.index(left_out)
    given = data[:place] + data[place + (2 if left_out == "--estimates" else 3) :]
    model = write_network(tmp_path / "mine.onnx")
    code, printed, errors = quantise(run, model, tmp_path / "o.onnx", given)
    assert (code, printed) == (2, "")
    assert says in one_line(errors)
    assert not (tmp_path / "o.onnx").exists()


def test_a_run_is_exported_first(run: Run, tmp_path: Path, data: list[object]) -> None:
    code, _, errors = quantise(run, tmp_path, tmp_path / "o.onnx", data)
    assert code == 2
    assert "int8 is made of an exported file; export it first" in one_line(errors)
