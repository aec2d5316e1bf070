"""ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from steadypose.engines.runtimes.base import Array, TensorSpec
from steadypose.errors import EngineError

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}

DISABLED_OPTIMISERS = ["WeightBiasQuantization"]
"""It would quantise the weights of convolutions that are left in FP32 between those in INT8, all
channels with one scale: depthwise ones are lost by that."""

_ARENA = {
    "max_mem": 0,
    "arena_extend_strategy": 1,  # as much as is requested
    "initial_chunk_size_bytes": -1,
    "max_dead_bytes_per_chunk": -1,
}
"""0 and -1 leave a setting to ONNX Runtime."""


class OnnxRuntimeEngine:
    """A network in ONNX Runtime, float32 on the CPU.

    Args:
        path: The ``.onnx`` file.
        threads: Threads for one call; 0 lets the run time choose.
        graph: The serialised network, where it is not to be read from the file.

    Raises:
        EngineError: The file is not a network that this run time can load.
    """

    def __init__(self, path: Path, threads: int = 0, graph: bytes | None = None) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin between calls take the cores from decoding and from other networks.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Batches and crops change their size from call to call. A plan of memory for each would
        # want a place of its own, and memory would creep up with every size that is new.
        options.enable_mem_pattern = False
        _share_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        try:
            self._session = ort.InferenceSession(
                graph or str(path),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=DISABLED_OPTIMISERS,
            )
        except Exception as error:
            raise EngineError(
                f"{path}: ONNX Runtime cannot load it: {_first_line(error)}"
            ) from error
        self.path, self.name = path, path.stem
        self.runtime = f"onnxruntime {ort.__version__}"
        self.inputs = _specs(self._session.get_inputs())
        self.outputs = _specs(self._session.get_outputs())

    def infer(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run one batch; see ``Engine.infer``."""
        names = list(self.outputs)
        try:
            values = self._session.run(names, dict(feeds))
        except Exception as error:
            raise EngineError(f"{self.name}: ONNX Runtime failed: {_first_line(error)}") from error
        return dict(zip(names, values, strict=True))


@lru_cache(maxsize=1)
def _share_memory() -> None:
    """Make the allocator that all networks share, once a process.

    It takes what is asked for and no more: by default each network takes twice as much with every
    step, and touches the rest of it whenever sizes come in an order that is new.
    """
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(where, ort.OrtArenaCfg(_ARENA))


def _specs(nodes: list[Any]) -> dict[str, TensorSpec]:
    return {
        node.name: TensorSpec(
            name=node.name,
            dtype=np.dtype(_DTYPES[node.type]),
            shape=tuple(d if isinstance(d, int) else None for d in node.shape),
        )
        for node in nodes
    }


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
