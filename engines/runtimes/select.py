"""Which back-end runs a network on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from steadypose.configs import check_device, check_precision
from steadypose.engines.runtimes.base import Engine, Shapes
from steadypose.engines.runtimes.gpu import find_accelerator
from steadypose.errors import ConfigError, ModelError


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions:
    """How networks are run.

    Attributes:
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``; see ``gpu.find_accelerator``.
        precision: ``"fp16"`` or ``"fp32"``, on a GPU; the processor computes in FP32.
        runtime: ``"onnxruntime"`` or ``"openvino"``, on the processor.
        threads: Threads for one call of a network there; 0 lets the run time choose.

    Raises:
        ConfigError: The device or the precision is unknown.
    """

    device: str = "auto"
    precision: str = "fp16"
    runtime: str = "onnxruntime"
    threads: int = 0

    def __post_init__(self) -> None:
        check_device("device", self.device)
        check_precision("precision", self.precision)


def _onnx_runtime(path: Path, threads: int, graph: bytes | None) -> Engine:
    from steadypose.engines.runtimes.onnx_runtime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(path, threads, graph)


def _openvino(path: Path, threads: int, graph: bytes | None) -> Engine:
    from steadypose.engines.runtimes.openvino import OpenVinoEngine

    return OpenVinoEngine(path, threads, graph)


RUNTIMES: dict[str, Callable[[Path, int, bytes | None], Engine]] = {
    "onnxruntime": _onnx_runtime,
    "openvino": _openvino,
}


def load_engine(
    path: Path,
    options: RuntimeOptions | None = None,
    *,
    shapes: Shapes | None = None,
    processor: Callable[[], tuple[Path, bytes | None]] | None = None,
) -> Engine:
    """Load a network for the device and run time asked for.

    Args:
        path: The ``.onnx`` file.
        options: How to run it.
        shapes: What it will be fed, which GPUs want to know beforehand.
        processor: Where the processor is to run something else: gives the ``.onnx`` file, and the
            serialised network where it is not that file's as it is.

    Raises:
        ModelError: The file does not exist.
        ConfigError: The run time is unknown.
        EngineError: The run time is not installed or refuses the file, or the GPU that is insisted
            on cannot be used.
    """
    chosen = options or RuntimeOptions()
    if chosen.runtime not in RUNTIMES:
        raise ConfigError(f"runtime '{chosen.runtime}': choose one of {', '.join(RUNTIMES)}")
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; see 'steadypose models list'")
    accelerator = find_accelerator(chosen.device)
    if accelerator is not None:
        engine = accelerator.load(path, chosen.precision, shapes or Shapes())
        if engine is not None:
            return engine
    file, graph = processor() if processor else (path, None)
    return RUNTIMES[chosen.runtime](file, chosen.threads, graph)


def usable_runtimes() -> dict[str, str | None]:
    """Version of each run time by name; None where it is not installed. Imports nothing."""
    found: dict[str, str | None] = {}
    for name in RUNTIMES:
        try:
            found[name] = version(name) if find_spec(name) else None
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
