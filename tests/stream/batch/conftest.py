"""Batches without networks, or on tiny ones in processes of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from steadypose.stream.batch.worker import Orders
from steadypose.stream.cli.main import main
from tests.engines.moving_networks import write_detector, write_estimator
from tests.stream.batch.shelf import HandCrew
from tests.stream.stand_ins import stand_in_room

Batch = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options that name tiny networks and keep all else small."""
    folder = tmp_path_factory.mktemp("networks")
    detector = write_detector(folder / "detector.onnx")
    estimator = write_estimator(folder / "estimator.onnx")
    models = ("--detector.model", str(detector), "--estimator.model", str(estimator))
    return (*models, "--device", "cpu")


@pytest.fixture
def crews() -> list[HandCrew]:
    """The crews that ``batch`` has hired."""
    return []


@pytest.fixture
def batch(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], crews: list[HandCrew]
) -> Batch:
    """Run ``steadypose batch`` in this process, without networks: exit code, stdout, stderr."""

    def hire(orders: Orders, jobs: int) -> HandCrew:
        crews.append(HandCrew(orders, jobs, stand_in_room(orders.config)))
        return crews[-1]

    monkeypatch.setattr("steadypose.stream.batch.processes.ProcessCrew", hire)

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        try:
            code = main(["batch", *map(str, arguments)])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return call
