"""OpenVINO on the CPU, pinned to float32."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.runtimes.base import Array, TensorSpec
from steadypose.errors import EngineError


class OpenVinoEngine:
    """A network in OpenVINO.

    On CPUs with bf16 OpenVINO computes in bf16 unless told otherwise, which moves joints by tens
    of pixels; the precision is therefore pinned to f32.

    Args:
        path: The ``.onnx`` file.
        threads: Threads for one call; 0 lets the run time choose.
        graph: The serialised network, where it is not to be read from the file.

    Raises:
        EngineError: OpenVINO is not installed or cannot load the file.
    """

    def __init__(self, path: Path, threads: int = 0, graph: bytes | None = None) -> None:
        try:
            import openvino
        except ImportError as error:
            raise EngineError(
                "the openvino run time is not installed: pip install 'steadypose[openvino]'"
            ) from error
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            self._compiled = core.compile_model(
                core.read_model(graph or str(path)), "CPU", settings
            )
        except RuntimeError as error:
            first = str(error).strip().splitlines()[0]
            raise EngineError(f"{path}: OpenVINO cannot load it: {first}") from error
        self.path, self.name = path, path.stem
        self.runtime = f"openvino {openvino.__version__.split('-')[0]}"
        self.inputs = _specs(self._compiled.inputs)
        self.outputs = _specs(self._compiled.outputs)
        # A request holds one call's state, so each thread has its own.
        self._local = threading.local()

    def infer(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run one batch; see ``Engine.infer``."""
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
        try:
            values = request.infer({k: np.ascontiguousarray(v) for k, v in feeds.items()})
        except RuntimeError as error:
            first = str(error).strip().splitlines()[0]
            raise EngineError(f"{self.name}: OpenVINO failed: {first}") from error
        return {name: np.array(values[name]) for name in self.outputs}


def _specs(ports: list[Any]) -> dict[str, TensorSpec]:
    return {
        port.any_name: TensorSpec(
            name=port.any_name,
            dtype=np.dtype(port.element_type.to_dtype()),
            shape=tuple(d.get_length() if d.is_static else None for d in port.get_partial_shape()),
        )
        for port in ports
    }
