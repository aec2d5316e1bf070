"""Which device networks run on, and what is said about it."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from steadypose.engines.runtimes import RuntimeOptions, Shapes, gpu, load_engine, signs
from steadypose.engines.tensorrt import device, flavours, memory
from steadypose.errors import EngineError, SteadyposeError
from steadypose.stream.cli.main import main
from tests.engines.tiny_networks import write_constant_network

ROOT = Path(__file__).resolve().parents[2]
NO_DRIVER = "no NVIDIA driver: none here; install one, or use --device cpu"


@pytest.fixture
def network(tmp_path: Path) -> Path:
    value = np.arange(4, dtype=np.float32).reshape(1, 4)
    return write_constant_network(tmp_path / "net.onnx", "x", ["N", 3], {"y": value})


@dataclass
class Machine:
    """A made-up machine: what is missing on it, and what was asked of it."""

    missing: dict[str, str] = field(default_factory=dict)
    known: bool = True
    asked: list[str] = field(default_factory=list)

    def part(self, name: str, value: Any) -> Any:
        self.asked.append(name)
        if name in self.missing:
            raise EngineError(self.missing[name])
        return value


class Flavour:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def runs_on(self, capability: tuple[int, int]) -> bool:
        assert capability == (9, 0)
        return self._machine.known

    def __str__(self) -> str:
        return "tensorrt 10.9"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """One with all that is needed; tests take things away."""
    made = Machine()
    card = device.Gpu(index=1, name="NVIDIA H200", capability=(9, 0), memory_bytes=1)
    monkeypatch.setattr(gpu, "_found", {})
    monkeypatch.setattr(gpu, "nvidia_at_hand", lambda: "NVIDIA device files")
    monkeypatch.setattr(device, "find_gpu", lambda d: made.part(f"gpu {d}", card))
    monkeypatch.setattr(flavours, "find_flavour", lambda: made.part("flavour", Flavour(made)))
    monkeypatch.setattr(
        memory, "open_memory", lambda g: made.part("memory", f"memory of {g.index}")
    )
    return made


def test_the_processor_is_asked_for(machine: Machine, network: Path) -> None:
    assert gpu.find_accelerator("cpu") is None
    engine = load_engine(network, RuntimeOptions(device="cpu"))
    assert engine.runtime.startswith("onnxruntime")
    assert machine.asked == []


@pytest.mark.parametrize("name", ["auto", "cuda", "cuda:1"])
def test_a_gpu_with_all_it_needs(
    machine: Machine, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = gpu.find_accelerator(name)
    assert found is not None
    assert (found.gpu.name, found.memory) == ("NVIDIA H200", "memory of 1")
    assert found.insisted is (name != "auto")
    assert gpu.find_accelerator(name) is found
    assert machine.asked == [f"gpu {name}", "flavour", "memory"]
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("missing", "known", "says"),
    [
        ({"gpu auto": NO_DRIVER}, True, NO_DRIVER),
        ({"flavour": "TensorRT is not installed: pip install x"}, True, "not installed: pip"),
        ({"memory": "pycuda cannot be imported"}, True, "pycuda cannot"),
        ({}, False, "tensorrt 10.9 has no kernels for cuda:1 (NVIDIA H200, sm_90); install"),
    ],
    ids=["driver", "flavour", "memory", "kernels"],
)
def test_auto_says_once_why_not(
    machine: Machine,
    network: Path,
    caplog: pytest.LogCaptureFixture,
    missing: dict[str, str],
    known: bool,
    says: str,
) -> None:
    machine.missing, machine.known = missing, known
    for _ in range(3):
        assert load_engine(network).runtime.startswith("onnxruntime")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    line = record.getMessage()
    assert line.startswith("networks run on the processor: ")
    assert says in line
    assert "\n" not in line


def test_a_machine_without_nvidia_is_told_nothing(
    machine: Machine,
    network: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(gpu, "nvidia_at_hand", lambda: "")
    assert load_engine(network).runtime.startswith("onnxruntime")
    assert machine.asked == []
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_who_insists_gets_an_error(machine: Machine, network: Path, name: str) -> None:
    machine.missing = {f"gpu {name}": NO_DRIVER}
    with pytest.raises(EngineError, match="no NVIDIA driver"):
        load_engine(network, RuntimeOptions(device=name))


def test_on_the_command_line_it_is_one_line(
    machine: Machine, network: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    machine.missing = {"gpu cuda:7": "device 'cuda:7': there is only cuda:0"}
    boxes = {"boxes": np.zeros((1, 1, 4), np.float32), "scores": np.zeros((1, 1), np.float32)}
    detector = write_constant_network(
        tmp_path / "detector.onnx", "image", ["N", 96, 96, 3], boxes, TensorProto.UINT8
    )
    clip = tmp_path / "clip.mp4"
    clip.touch()
    out = tmp_path / "out"
    command = ["track", str(clip), "-o", str(out), "--device", "cuda:7"]
    assert main([*command, "--detector.model", str(detector)]) == 2
    assert capfd.readouterr().err == "steadypose: device 'cuda:7': there is only cuda:0\n"


class TestANetworkThatTheGpuDoesNotTake:
    @pytest.fixture(autouse=True)
    def refused(self, monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
        from steadypose.engines.runtimes import tensorrt

        def refuse(path: Path, precision: str, shapes: Shapes, on: gpu.Accelerator) -> None:
            assert (precision, shapes.max_batch) == ("fp32", 3)
            raise EngineError(f"{path.name}: no kernel for it")

        monkeypatch.setattr(tensorrt, "load_on_gpu", refuse)

    def load(self, network: Path, name: str) -> str:
        options = RuntimeOptions(device=name, precision="fp32")
        return load_engine(network, options, shapes=Shapes(max_batch=3)).runtime

    def test_runs_on_the_processor_and_says_why(
        self, network: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert self.load(network, "auto").startswith("onnxruntime")
        (record,) = caplog.records
        assert record.getMessage() == (
            "net runs on the processor, not on NVIDIA H200: net.onnx: no kernel for it"
        )

    def test_is_an_error_to_who_insists(self, network: Path) -> None:
        with pytest.raises(SteadyposeError, match="no kernel for it"):
            self.load(network, "cuda")


PCI = "sys/bus/pci/devices/0000:01:00.0/"


@pytest.mark.parametrize(
    ("files", "modules", "sign"),
    [
        ({}, (), ""),
        ({}, ("json",), "an installed TensorRT"),
        ({"dev/nvidiactl": ""}, ("json",), "NVIDIA device files"),
        ({"dev/nvhost-gpu": ""}, (), "NVIDIA device files"),
        ({"usr/lib/wsl/lib/libcuda.so.1": ""}, (), "NVIDIA device files"),
        ({PCI + "vendor": "0x10de\n", PCI + "class": "0x030200\n"}, (), "an NVIDIA card"),
        ({PCI + "vendor": "0x10de\n", PCI + "class": "0x020000\n"}, (), ""),
        ({PCI + "vendor": "0x8086\n", PCI + "class": "0x030000\n"}, (), ""),
        ({PCI + "vendor": "0x10de\n"}, (), ""),
    ],
    ids=["nothing", "module", "driver", "jetson", "wsl", "card", "network card", "intel", "cut"],
)
def test_what_points_to_a_gpu(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    modules: tuple[str, ...],
    sign: str,
) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(signs, "_ROOT", tmp_path)
    monkeypatch.setattr(signs, "MODULES", (*modules, "no_such_tensorrt"))
    assert signs.nvidia_at_hand() == sign


LOAD_ON_A_PLAIN_MACHINE = """
import sys
from pathlib import Path
from steadypose.engines.runtimes import load_engine, signs

signs._ROOT, signs.MODULES = Path(sys.argv[2]), ()
load_engine(Path(sys.argv[1]))
heavy = ("tensorrt", "tensorrt_rtx", "pycuda", "torch", "onnx", "steadypose.engines.tensorrt")
print([name for name in heavy if name in sys.modules])
"""


def test_the_way_to_the_processor_imports_nothing_more(network: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOAD_ON_A_PLAIN_MACHINE, str(network), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
