"""What ``steadypose doctor`` says of GPUs, on made-up machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from steadypose.engines.runtimes import signs
from steadypose.engines.tensorrt import device, flavours, memory
from steadypose.engines.tensorrt.cache import EngineCache
from steadypose.errors import EngineError
from steadypose.stream.cli import doctor_gpu
from steadypose.stream.cli.findings import Finding
from tests.cli.conftest import Run

Told = dict[str, Finding]

CARD = device.Gpu(index=0, name="NVIDIA H200", capability=(9, 0), memory_bytes=140 << 30)
DRIVER = device.Driver(cuda=(13, 0), gpus=(CARD,))


@dataclass(frozen=True)
class Flavour:
    strong: bool = True
    known: bool = True

    def runs_on(self, capability: tuple[int, int]) -> bool:
        return self.known

    def __str__(self) -> str:
        return "tensorrt 10.9.0"


@dataclass(frozen=True)
class Memory:
    name: str = "pycuda 2026.1"


@pytest.fixture
def have(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Say what the machine has; an error in the place of a part is what looking for it raises."""
    monkeypatch.setenv("STEADYPOSE_CACHE", str(tmp_path))

    def answer(value: Any) -> Callable[..., Any]:
        def give(*_: object) -> Any:
            if isinstance(value, EngineError):
                raise value
            return value

        return give

    def set_up(
        sign: str = "NVIDIA device files",
        driver: Any = DRIVER,
        flavour: Any = Flavour(),
        libraries: tuple[str, ...] = ("pycuda", "torch"),
        opened: Any = Memory(),
    ) -> None:
        monkeypatch.setattr(signs, "nvidia_at_hand", lambda: sign)
        monkeypatch.setattr(device, "find_driver", answer(driver))
        installed = None if flavour is None else ("tensorrt", "10.9.0")
        monkeypatch.setattr(flavours, "installed_flavour", lambda: installed)
        monkeypatch.setattr(flavours, "find_flavour", answer(flavour))
        monkeypatch.setattr(memory, "open_memory", answer(opened))
        monkeypatch.setattr(doctor_gpu, "find_spec", lambda name: name in libraries or None)
        monkeypatch.setattr(doctor_gpu, "version", lambda name: "1.0")

    return set_up


def look() -> Told:
    found = list(doctor_gpu.examine_gpu())
    assert all("\n" not in f.found + f.remedy for f in found)
    return {f.subject: f for f in found}


def test_a_machine_without_nvidia_gets_one_line(have: Callable[..., None]) -> None:
    have(sign="")
    (finding,) = look().values()
    assert (finding.state, finding.remedy) == ("note", "")
    assert finding.found == "no NVIDIA GPU; networks run on the processor"


def test_a_machine_with_everything(have: Callable[..., None]) -> None:
    have()
    told = look()
    assert told["driver"].found == "NVIDIA, for CUDA 13.0"
    assert told["GPU"].found == "cuda:0 (NVIDIA H200, sm_90), 140.0 GiB"
    assert told["TensorRT"].found == "tensorrt 10.9.0, strongly typed networks"
    assert told["GPU memory"].found == "pycuda 2026.1"
    assert {f.state for name, f in told.items() if name != "engines"} == {"ok"}


NO_DRIVER = EngineError("no NVIDIA driver: no libcuda; install one, or use --device cpu")
TOO_OLD = EngineError("the NVIDIA driver is too old")
BROKEN = EngineError("tensorrt is installed but cannot be imported (x); install it again: pip")
NO_CUDA = EngineError("torch 2.13 has no CUDA; install pycuda: pip install x")


@pytest.mark.parametrize(
    ("machine", "subject", "found", "remedy"),
    [
        ({"driver": NO_DRIVER}, "GPU", "no NVIDIA driver: no libcuda", "install one, or use"),
        ({"driver": TOO_OLD}, "GPU", "driver is too old", "in a container"),
        ({"flavour": None}, "TensorRT", "missing", "pip install 'steadypose[tensorrt]'"),
        ({"flavour": BROKEN}, "TensorRT", "cannot be imported (x)", "install it again: pip"),
        ({"flavour": Flavour(known=False)}, "TensorRT", "no kernels for cuda:0", "[tensorrt]"),
        ({"libraries": ()}, "GPU memory", "no pycuda", "pip install 'steadypose[tensorrt]'"),
        ({"opened": NO_CUDA}, "GPU memory", "torch 2.13 has no CUDA", "install pycuda: pip"),
        ({"opened": TOO_OLD}, "GPU memory", "too old", "pip install 'steadypose[tensorrt]'"),
        ({}, "engines", "none in", "steadypose engine build"),
    ],
)
def test_what_is_missing_has_one_remedy(
    have: Callable[..., None], machine: dict[str, Any], subject: str, found: str, remedy: str
) -> None:
    have(**machine)
    finding = look()[subject]
    assert finding.state == "note"
    assert found in finding.found
    assert remedy in finding.remedy


def test_without_a_gpu_the_libraries_are_named_and_not_tried(have: Callable[..., None]) -> None:
    have(driver=NO_DRIVER, opened=EngineError("tried"))
    told = look()
    assert told["GPU memory"].found == "pycuda 1.0, torch 1.0, not tried"
    assert "driver" not in told


def test_engines_are_counted(
    have: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @dataclass(frozen=True)
    class Verified:
        ok: bool

    @dataclass(frozen=True)
    class Manifest:
        verified: Verified | None
        size_bytes: int = 1_500_000

    kept = [Manifest(None), Manifest(Verified(ok=True)), Manifest(Verified(ok=False))]
    monkeypatch.setattr(EngineCache, "records", lambda self: ((tmp_path, m) for m in kept))
    have()
    assert look()["engines"].found == f"3 in {tmp_path / 'engines'}, 4.5 MB, 1 verified"


def test_the_command_prints_them(run: Run, have: Callable[..., None]) -> None:
    have(driver=NO_DRIVER)
    code, printed, errors = run("doctor")
    assert (code, errors) == (0, "")
    line = (
        "note  GPU            NVIDIA device files, but no NVIDIA driver: no libcuda -> install one"
    )
    assert line in printed
