"""``steadypose train`` and ``steadypose export`` on small made-up data."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from steadypose.engines.refiner.data.estimates import Pass, run_passes
from steadypose.engines.refiner.data.gather import load_pictures
from tests.cli.conftest import Run
from tests.cli.reading import one_line
from tests.engines.refiner.data.made_up import standing, write_coco

pytest.importorskip("torch")

if TYPE_CHECKING:
    from steadypose.engines.refiner.network import Refiner

RECIPE = """
variant: fast
steps: 4
batch_size: 2
sizes: [[64, 64]]
validation: {every: 2, batches: 2, calibration_batches: 4}
machine: {device: cpu, workers: 0, log_every: 1}
"""


def write_movenet(path: Path, model: Refiner) -> Path:
    """A file that has nothing but the convolutions of a MoveNet of the model's size."""
    rng = np.random.default_rng(0)
    shapes = [tuple(conv.weight.shape) for conv in model.trunk.convolutions()]
    for out in (17, 1, 34, 34):
        shapes += [(24, 1, 3, 3), (96, 24, 1, 1), (out, 96, 1, 1)]
    nodes, constants = [], []
    for number, shape in enumerate(shapes):
        spread = np.sqrt(2 / np.prod(shape[1:]))
        weight = rng.normal(0, spread, shape).astype(np.float32)
        values = {f"w{number}": weight, f"b{number}": np.zeros(shape[0], np.float32)}
        constants += [numpy_helper.from_array(value, name) for name, value in values.items()]
        nodes.append(helper.make_node("Conv", [f"x{number}", *values], [f"x{number + 1}"]))
    graph = helper.make_graph(nodes, "movenet", [], [], constants)
    onnx.save(helper.make_model(graph), str(path))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Data set, estimates, recipe and the model to start from."""
    from steadypose.engines.refiner.network import Refiner

    folder = tmp_path_factory.mktemp("training")
    labels, images = write_coco(folder, 70)
    estimates = folder / "estimates.npz"
    names = ("thunder", "thunder mirrored", "lightning")
    passes = [Pass(name=name, estimate=standing, model="made up") for name in names]
    run_passes(load_pictures(coco=(labels, images)), passes, estimates)
    recipe = folder / "small.yaml"
    recipe.write_text(RECIPE)
    start = write_movenet(folder / "movenet.onnx", Refiner("fast"))
    return {
        "labels": labels,
        "images": images,
        "estimates": estimates,
        "recipe": recipe,
        "start": start,
    }


def arguments(files: dict[str, Path], folder: Path) -> list[object]:
    return [
        *("train", "--coco", files["labels"], files["images"]),
        *("--estimates", files["estimates"], "--recipe", files["recipe"]),
        *("--start", files["start"], "-o", folder),
    ]


def test_train_then_export(run: Run, files: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    code, printed, errors = run(*arguments(files, folder))
    assert (code, errors) == (0, "")
    lines = printed.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["step 2", "step 4"]
    assert lines[2].startswith("finished at step 4; best weights of step ")
    assert lines[3].startswith("calibration error ")
    assert lines[4].startswith(f"now run: steadypose export {folder}")
    with (folder / "train.csv").open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3", "4"]

    target = tmp_path / "refiner.onnx"
    code, printed, _ = run("export", folder, "-o", target)
    assert code == 0
    assert "fast refiner, fp16" in printed
    record = json.loads(target.with_suffix(".json").read_text())
    assert record["calibrated"] is True
    assert record["people"] == {"coco test": 40, "coco train": 18, "coco val": 12}
    assert record["start"] == Path(files["start"]).name, "no folder of this machine"
    assert onnx.load(target).graph.output[0].name == "keypoints"


def test_ctrl_c_leaves_a_state_and_resume_finishes(
    run: Run, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steadypose.engines.refiner.training.loop import Trainer

    step, begun = Trainer._one_step, threading.Event()

    def slow(self: Trainer, batch: object) -> dict[str, float]:
        if self.step == 1 and not begun.is_set():
            begun.set()
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "_one_step", slow)
    folder = tmp_path / "run"
    code, _, errors = run(*arguments(files, folder))
    assert code == 130
    assert "interrupted at step 2" in one_line(errors)
    assert "--resume" in errors
    again = arguments(files, folder)
    del again[again.index("--recipe") : again.index("--recipe") + 2]
    code, printed, errors = run(*again, "--resume")
    assert (code, errors) == (0, "")
    assert "finished at step 4" in printed


def test_max_minutes_leaves_weights_that_can_be_exported(
    run: Run, files: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    code, printed, _ = run(*arguments(files, folder), "--max-minutes", "0.00001")
    assert code == 0
    assert "out of time at step 1" in printed
    target = tmp_path / "r.onnx"
    assert run("export", folder, "-o", target, "--precision", "fp32")[0] == 0


def test_fit_minutes_plans_the_steps_and_writes_them_down(
    run: Run, files: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    code, printed, errors = run(*arguments(files, folder), "--fit-minutes", "0.02")
    assert (code, errors) == (0, "")
    planned = int(printed.split(" steps planned")[0].split()[-1])
    assert f"steps: {planned}\n" in (folder / "recipe.yaml").read_text()
    assert run("export", folder, "-o", tmp_path / "r.onnx", "--precision", "fp32")[0] == 0


def test_a_second_run_does_not_overwrite_the_first(
    run: Run, files: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    assert run(*arguments(files, folder), "--quiet") == (0, "", "")
    code, _, errors = run(*arguments(files, folder))
    assert code == 2
    assert "--resume" in one_line(errors)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"--recipe": "fastt"}, "did you mean 'fast'"),
        ({"--recipe": "absent.yaml"}, "absent.yaml: cannot be read"),
        ({"--max-minutes": "0"}, "expected a number above 0"),
        ({"--fit-minutes": "-1"}, "expected a number above 0"),
        ({"--fit-minutes": "1", "--resume": None}, "its plan stands"),
        ({"--start": "movenet-small"}, "unknown model 'movenet-small'"),
        ({"--start": "absent.onnx"}, "absent.onnx: not a readable ONNX file"),
        ({"--resume": None}, "state.pt: no such file"),
        ({"--estimates": __file__}, "not a file of estimates"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_input_is_one_line(
    run: Run,
    files: dict[str, Path],
    tmp_path: Path,
    changes: dict[str, str | None],
    complaint: str,
) -> None:
    given = arguments(files, tmp_path / "run")
    for name, value in changes.items():
        given += [name] if value is None else [name, value]
    code, _, errors = run(*given)
    assert code == 2
    assert complaint in one_line(errors)


def test_no_data_set_is_told(run: Run, files: dict[str, Path], tmp_path: Path) -> None:
    code, _, errors = run("train", "--estimates", files["estimates"], "-o", tmp_path / "run")
    assert code == 2
    assert "--coco" in one_line(errors)


@pytest.mark.parametrize(
    "command", [("train", "--estimates", "e.npz", "-o", "out"), ("export", "run", "-o", "r.onnx")]
)
def test_without_torch_it_says_what_to_install(
    run: Run, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, errors = run(*command)
    assert code == 2
    assert "steadypose[train]" in one_line(errors)


def test_export_of_no_run_is_told(run: Run, tmp_path: Path) -> None:
    code, _, errors = run("export", tmp_path, "-o", tmp_path / "r.onnx")
    assert code == 2
    assert "is this the folder of a training run?" in one_line(errors)


def test_export_of_a_run_that_was_left_early_says_so(
    run: Run, files: dict[str, Path], tmp_path: Path
) -> None:
    from steadypose.engines.refiner.network import Refiner
    from steadypose.engines.refiner.training import checkpoint

    state = {"variant": "fast", "calibrated": False, "model": Refiner("fast").state_dict()}
    checkpoint.save(tmp_path / checkpoint.BEST_FILE, state)
    code, printed, _ = run("export", tmp_path, "-o", tmp_path / "r.onnx")
    assert code == 0
    assert "not calibrated" in printed
