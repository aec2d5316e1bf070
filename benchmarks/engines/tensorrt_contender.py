"""TensorRT as ``track`` runs it, with its copies counted and its time taken by the GPU's events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from steadypose.benchmarks.engines.contenders import Array, Copies, Feeds
from steadypose.benchmarks.engines.probe import Probe
from steadypose.engines.runtimes import Shapes
from steadypose.engines.runtimes.gpu import find_accelerator
from steadypose.errors import EngineError


class TensorRtContender:
    """A network in TensorRT.

    Args:
        path: The network's file.
        device: ``"auto"``, ``"cuda"`` or ``"cuda:N"``.
        precision: ``"fp16"`` or ``"fp32"``.
        shapes: What it will be fed.

    Raises:
        EngineError: There is no GPU that can be used, or the engine cannot be built or loaded.
    """

    name = "tensorrt"
    faithful = True

    def __init__(self, path: Path, device: str, precision: str, shapes: Shapes) -> None:
        from steadypose.engines.runtimes.tensorrt import load_on_gpu

        found = find_accelerator("cuda" if device == "auto" else device)
        if found is None:
            raise EngineError(f"tensorrt: device '{device}' is no GPU")
        self.probe = Probe(found.memory)
        self.precision = precision
        on = replace(found, memory=self.probe)
        self._engine: Any = load_on_gpu(path, precision, shapes, on)
        self.engine = f"{self._engine.runtime}, {found.memory.name}"

    def infer(self, feeds: Feeds) -> dict[str, Array]:
        """See ``Contender.infer``."""
        found: dict[str, Array] = self._engine.infer(feeds)
        return found

    def device_ms(self, feeds: Feeds, rounds: int) -> list[float] | None:
        """See ``Contender.device_ms``: from the end of the upload to the start of the download."""
        with self.probe.timing() as spent:
            for _ in range(rounds):
                self.infer(feeds)
        return spent

    def copies(self, feeds: Feeds) -> Copies | None:
        """See ``Contender.copies``."""
        before = self.probe.up, self.probe.down
        self.infer(feeds)
        return Copies(self.probe.up - before[0], self.probe.down - before[1])

    def device_bytes(self) -> int | None:
        """See ``Contender.device_bytes``."""
        return self.probe.device_bytes()

    def close(self) -> None:
        """See ``Contender.close``."""
        self._engine.close()
