"""Kernels that TensorRT for RTX compiles when an engine runs, kept beside the engine."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from steadypose.engines.tensorrt.flavours import Flavour
from steadypose.engines.tensorrt.owned import read_owned, write_owned
from steadypose.errors import EngineError

_LOG = logging.getLogger("steadypose.tensorrt")
_MAX_BYTES = 1 << 28


class KernelCache:
    """The kernels of one engine, for all of its contexts.

    TensorRT for RTX checks what it is given against its own version, the GPU and the driver, and
    takes none of it where something differs: then they are compiled again.

    Args:
        plan: The engine's file; the kernels lie beside it.
        engine: The loaded engine.
    """

    def __init__(self, plan: Path, engine: Any) -> None:
        self.path = plan.with_suffix(".kernels")
        self._engine, self._known = engine, b""
        self._cache: Any = None

    def configure(self, flavour: Flavour, graphs: bool) -> Any:
        """How contexts are to be made: with these kernels, and with memory that is given to them.

        With ``graphs`` TensorRT for RTX records and replays CUDA graphs itself: it knows when its
        kernels for a shape are compiled, and which it uses until then.
        """
        module, config = flavour.module, self._engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(
            module.ExecutionContextAllocationStrategy.USER_MANAGED
        )
        if graphs and hasattr(module, "CudaGraphStrategy"):
            config.cuda_graph_strategy = module.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        self._cache = config.create_runtime_cache()
        self._known = self._read()
        if self._known and not self._cache.deserialize(self._known):
            _LOG.debug("%s: of another version or GPU; compiled again", self.path)
        config.set_runtime_cache(self._cache)
        return config

    def save(self) -> None:
        """Write what has been compiled since; a folder that cannot be written only costs time."""
        content = b"" if self._cache is None else bytes(self._cache.serialize() or b"")
        if not content or content == self._known or len(content) > _MAX_BYTES:
            return
        try:
            write_owned(self.path, content, locked=False)
            self._known = content
        except OSError as error:
            _LOG.info("%s: cannot be written: %s", self.path, error)

    def _read(self) -> bytes:
        """What was kept; nothing where somebody else may have written it."""
        try:
            return read_owned(self.path, _MAX_BYTES)
        except FileNotFoundError:
            return b""
        except (EngineError, OSError) as error:
            _LOG.info("%s; its kernels are compiled again", error)
            return b""
