"""The refiner in torch: eager, captured in a CUDA graph, compiled. What TensorRT has to beat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from steadypose.benchmarks.engines.contenders import Array, Copies, Feeds
from steadypose.benchmarks.refiner.networks import record_of
from steadypose.errors import EngineError, ModelError

KINDS = ("torch", "torch-graph", "torch-compile")
"""Eager; eager captured in a CUDA graph for each batch and size; ``torch.compile``."""

_INPUTS = ("image", "pose", "prior")
_WARM_CALLS = 3


class TorchRefiner:
    """A refiner in torch, FP16 on a GPU and FP32 on the processor.

    Inputs are staged in page-locked memory and go up by one copy each; the joints come back by one.

    Args:
        path: The exported refiner, whose weights are read. Where they are of another version of the
            network, it runs with untrained ones and is not ``faithful``: time does not depend on
            them.
        kind: One of ``KINDS``.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Raises:
        EngineError: Torch is not installed, has no such device, or the kind needs a GPU.
        ModelError: The file is no refiner.
    """

    def __init__(self, path: Path, kind: str, device: str) -> None:
        torch = import_torch()
        from steadypose.engines.refiner.export import halved

        self._torch, self.name, self._gpu = torch, kind, device != "cpu"
        if self._gpu and not torch.cuda.is_available():
            raise EngineError(f"{kind}: torch {torch.__version__} sees no GPU")
        if not self._gpu and kind == "torch-graph":
            raise EngineError("torch-graph: needs a GPU")
        model, self.faithful = _network(path)
        self.precision = "fp16" if self._gpu else "fp32"
        self.device = torch.device(device)
        if self._gpu:
            torch.cuda.set_device(self.device)
        placed: Any = (halved(model) if self._gpu else model).to(self.device)
        self._model = placed.to(memory_format=torch.channels_last).eval()
        self.engine = f"torch {torch.__version__} {self.precision} {device}"
        self._run: Callable[..., Any] = self._model
        if kind == "torch-compile":
            # With CUDA graphs of its own, where there is a GPU.
            self._run = torch.compile(self._model, dynamic=False, mode="reduce-overhead")
        self._slots: dict[tuple[int, ...], _Slot] = {}
        self._uploads = self._downloads = 0

    def infer(self, feeds: Feeds) -> dict[str, Array]:
        """See ``Contender.infer``."""
        torch = self._torch
        with torch.inference_mode():
            slot = self._slot(feeds)
            for name in _INPUTS:
                slot.staged[name].copy_(torch.from_numpy(np.ascontiguousarray(feeds[name])))
                slot.inputs[name].copy_(slot.staged[name], non_blocking=True)
                self._uploads += 1
            found = slot.run().to("cpu")
            self._downloads += 1
        return {"keypoints": found.numpy()}

    def device_ms(self, feeds: Feeds, rounds: int) -> list[float] | None:
        """See ``Contender.device_ms``."""
        if not self._gpu:
            return None
        torch = self._torch
        self.infer(feeds)
        spent = []
        with torch.inference_mode():
            slot = self._slot(feeds)
            for _ in range(rounds):
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record()
                slot.run()
                end.record()
                end.synchronize()
                spent.append(float(begin.elapsed_time(end)))
        return spent

    def copies(self, feeds: Feeds) -> Copies | None:
        """See ``Contender.copies``."""
        if not self._gpu:
            return None
        before = self._uploads, self._downloads
        self.infer(feeds)
        return Copies(self._uploads - before[0], self._downloads - before[1])

    def device_bytes(self) -> int | None:
        """See ``Contender.device_bytes``."""
        if not self._gpu:
            return None
        free, total = self._torch.cuda.mem_get_info(self.device)
        return int(total - free)

    def close(self) -> None:
        """Give back the device's memory."""
        self._slots.clear()
        if self._gpu:
            self._torch.cuda.empty_cache()

    def _slot(self, feeds: Feeds) -> _Slot:
        """Tensors and what runs on them for one batch and size."""
        shape = feeds["image"].shape
        if shape not in self._slots:
            self._slots[shape] = _Slot(self._torch, self.device, feeds, self._run)
            if self.name == "torch-graph":
                self._slots[shape].capture()
        return self._slots[shape]


class _Slot:
    """Page-locked and device tensors of one shape, and what runs on them."""

    def __init__(self, torch: Any, device: Any, feeds: Feeds, model: Callable[..., Any]) -> None:
        self._torch, self._model, self._device = torch, model, device
        gpu = device.type == "cuda"
        made = {name: torch.from_numpy(np.ascontiguousarray(feeds[name])) for name in _INPUTS}
        self.staged = {n: torch.empty_like(t, pin_memory=gpu) for n, t in made.items()}
        self.inputs = {name: value.to(device, copy=True) for name, value in made.items()}
        self.run: Callable[[], Any] = self._eager

    def capture(self) -> None:
        """Record the calls of one batch in a CUDA graph; ``run`` replays it."""
        torch = self._torch
        # Libraries set themselves up in their first calls, which a capture must not see.
        side = torch.cuda.Stream(self._device)
        side.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(side):
            for _ in range(_WARM_CALLS):
                self._eager()
        torch.cuda.current_stream(self._device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            out = self._eager()

        def replay() -> Any:
            graph.replay()
            return out

        self.run = replay

    def _eager(self) -> Any:
        return self._model(*(self.inputs[name] for name in _INPUTS))


def import_torch() -> Any:
    """The module. Raises EngineError where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise EngineError("torch is not installed: pip install 'steadypose[train]'") from error
    return torch


def _network(path: Path) -> tuple[Any, bool]:
    """The network in float32 on the CPU, and whether it has the file's weights."""
    from steadypose.engines.refiner.exported import read_exported

    try:
        return read_exported(path).eval(), True
    except ModelError:
        variant = record_of(path).get("variant")
        if variant not in ("fast", "accurate"):
            raise
    from steadypose.engines.refiner.network import Refiner

    return Refiner(variant).eval(), False


def is_refiner(path: Path) -> bool:
    """Whether an ONNX file takes what a refiner takes, so that torch has the network too."""
    graph = onnx.load(path, load_external_data=False).graph
    return {i.name for i in graph.input} == set(_INPUTS)
