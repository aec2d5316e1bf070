"""TensorRT on an NVIDIA GPU."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from steadypose.engines.runtimes.base import Engine, Shapes

if TYPE_CHECKING:
    from steadypose.engines.runtimes.gpu import Accelerator

_LOG = logging.getLogger(__name__)


def load_on_gpu(path: Path, precision: str, shapes: Shapes, on: Accelerator) -> Engine:
    """A network's engine from the cache, or built and put there, compared once and ready to run.

    Args:
        path: The ``.onnx`` file.
        precision: ``"fp16"`` or ``"fp32"``.
        shapes: What it will be fed.
        on: The GPU and what runs networks on it.

    Raises:
        ModelError: The file cannot be read.
        EngineError: The engine cannot be built or loaded, is not what it was to be, or does not
            agree with its network.
        OutputError: The cache of engines cannot be written.
    """
    from steadypose.engines.tensorrt.agreement import verify_once
    from steadypose.engines.tensorrt.engine import TensorRtEngine
    from steadypose.engines.tensorrt.obtain import obtain_engine, spec_of

    plan, manifest = obtain_engine(
        path,
        spec_of(shapes, precision),
        on.flavour,
        on.gpu,
        memory=on.memory,
        report=lambda line: _LOG.warning("%s", line),
        progress=_Said(path.stem, str(on.gpu)),
    )
    verify_once(plan, manifest, path, on)
    return TensorRtEngine(plan, manifest, on.gpu, on.flavour, path=path, memory=on.memory)


class _Said:
    """Says once that an engine is being built, which can take minutes."""

    def __init__(self, name: str, gpu: str) -> None:
        self._name, self._gpu, self._done = name, gpu, False

    def __call__(self, what: str, share: float | None) -> None:  # noqa: ARG002
        if not self._done:
            self._done = True
            _LOG.warning(
                "%s: building its engine for %s, once; this can take minutes", self._name, self._gpu
            )
