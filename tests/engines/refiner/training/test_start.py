"""What a run starts from."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from steadypose.engines.refiner.network import Refiner  # noqa: E402
from steadypose.engines.refiner.training import checkpoint  # noqa: E402
from steadypose.engines.refiner.training.start import begin  # noqa: E402
from steadypose.errors import InputError, ModelError  # noqa: E402


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(7)
    model = Refiner("fast")
    model.calibration_scale.fill_(0.5)
    folder = tmp_path_factory.mktemp("run")
    checkpoint.save(folder / checkpoint.BEST_FILE, {"variant": "fast", "model": model.state_dict()})
    return folder


def test_a_run_may_start_from_another_ones_weights(run_folder: Path) -> None:
    model = Refiner("fast")
    begin(model, str(run_folder))
    kept = checkpoint.load(run_folder / checkpoint.BEST_FILE)["model"]
    for name, value in model.state_dict().items():
        if name == "calibration_scale":
            assert (value == 1).all()
        else:
            assert torch.equal(value, kept[name]), name


def test_a_run_of_another_size_is_refused(run_folder: Path) -> None:
    with pytest.raises(InputError, match="the fast refiner, not accurate"):
        begin(Refiner("accurate"), str(run_folder))


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"best\.pt"):
        begin(Refiner("fast"), str(tmp_path))


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"net\.onnx"):
        begin(Refiner("fast"), str(path))
