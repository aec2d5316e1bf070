"""Which back-end runs a network on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from steadypose.engines.runtimes.base import Engine
from steadypose.errors import ConfigError, ModelError


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions:
    """How networks are run.

    Attributes:
        device: ``"auto"`` or ``"cpu"``.
        runtime: ``"onnxruntime"`` or ``"openvino"``.
        threads: Threads for one call of a network; 0 lets the run time choose.
    """

    device: str = "auto"
    runtime: str = "onnxruntime"
    threads: int = 0


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
    path: Path, options: RuntimeOptions | None = None, *, graph: bytes | None = None
) -> Engine:
    """Load a network for the device and run time asked for.

    Args:
        path: The ``.onnx`` file.
        options: How to run it.
        graph: The serialised network to run, where it is not the file's as it is.

    Raises:
        ModelError: The file does not exist.
        ConfigError: The device or run time is unknown.
        EngineError: The run time is not installed or refuses the file.
    """
    chosen = options or RuntimeOptions()
    if chosen.device not in ("auto", "cpu"):
        raise ConfigError(f"device '{chosen.device}': this version runs on 'cpu' (or 'auto')")
    if chosen.runtime not in RUNTIMES:
        raise ConfigError(f"runtime '{chosen.runtime}': choose one of {', '.join(RUNTIMES)}")
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; see 'steadypose models list'")
    return RUNTIMES[chosen.runtime](path, chosen.threads, graph)


def usable_runtimes() -> dict[str, str | None]:
    """Version of each run time by name; None where it is not installed. Imports nothing."""
    found: dict[str, str | None] = {}
    for name in RUNTIMES:
        try:
            found[name] = version(name) if find_spec(name) else None
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
