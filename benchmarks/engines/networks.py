"""The networks that are measured and the run times that they are measured in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from steadypose.benchmarks.engines.contenders import Contender, OnProcessor
from steadypose.benchmarks.engines.settings import Settings
from steadypose.benchmarks.engines.tensorrt_contender import TensorRtContender
from steadypose.benchmarks.engines.torch_contenders import KINDS, TorchRefiner, is_refiner
from steadypose.benchmarks.refiner.networks import SIZE
from steadypose.engines import zoo
from steadypose.engines.refiner.load import REFINERS, refiner_path
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.runtimes import (
    Engine,
    RuntimeOptions,
    Shapes,
    TensorSpec,
    load_engine,
    usable_runtimes,
)
from steadypose.engines.runtimes.gpu import find_accelerator
from steadypose.errors import SteadyposeError


@dataclass(frozen=True)
class Network:
    """A network's file.

    Attributes:
        name: As it was asked for.
        path: The ``.onnx`` file.
    """

    name: str
    path: Path

    @classmethod
    def named(cls, model: str) -> Network:
        """A refiner, a model of the zoo, or a file. Raises ModelError where it is not at hand."""
        if model in REFINERS or model.endswith(".onnx"):
            return cls(Path(model).name.removesuffix(".onnx"), refiner_path(model))
        return cls(model, zoo.locate(model))

    @cached_property
    def sha256(self) -> str:
        """Of the file."""
        return zoo.file_sha256(self.path)

    @cached_property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """What goes in, by name."""
        return self.on_processor("onnxruntime", 1).inputs

    def on_processor(self, runtime: str, threads: int) -> Engine:
        """In FP32 whatever the file's precision."""
        options = RuntimeOptions(device="cpu", runtime=runtime, threads=threads)
        wide = self.path, float32_graph(self.path)
        return load_engine(self.path, options, processor=lambda: wide)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A run time that could not take a network.

    Attributes:
        name: The run time.
        reason: One line.
    """

    name: str
    reason: str


def at_hand(device: str) -> list[str]:
    """Names of the run times that are usable here; torch only where it has a GPU.

    Raises:
        EngineError: ``device`` insists on a GPU that cannot be used.
    """
    found = [name for name, version in usable_runtimes().items() if version]
    if find_accelerator(device) is not None:
        found.append("tensorrt")
    if device != "cpu" and find_spec("torch") is not None and torch_device(device) != "cpu":
        found += KINDS
    return found


def torch_device(device: str) -> str:
    """What torch calls the device; the processor where ``auto`` finds no GPU."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def contenders(
    network: Network, runtimes: Sequence[str], settings: Settings
) -> Iterator[Contender | Failure]:
    """The network in each run time, one after the other; each is closed when the next is asked for.

    Run times that do not know the network at all are left out.
    """
    for runtime in runtimes:
        make = _maker(network, runtime, settings)
        if make is None:
            continue
        try:
            contender = make()
        except SteadyposeError as error:
            yield Failure(name=runtime, reason=str(error))
            continue
        try:
            yield contender
        finally:
            contender.close()


def _maker(network: Network, runtime: str, settings: Settings) -> Callable[[], Contender] | None:
    if runtime in KINDS:
        if not is_refiner(network.path):
            return None
        device = torch_device(settings.device)
        return lambda: TorchRefiner(network.path, runtime, device)
    if runtime == "tensorrt":
        shapes = Shapes(max_batch=max(settings.batches), sizes=(SIZE,))
        return lambda: TensorRtContender(network.path, settings.device, settings.precision, shapes)
    return lambda: OnProcessor(runtime, network.on_processor(runtime, settings.threads))
