"""A GPU's memory through torch, where pycuda is not installed.

Recording goes through the driver, as with pycuda. What is freed torch keeps for its own tensors.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from steadypose.engines.tensorrt.device import Gpu, load_library
from steadypose.engines.tensorrt.graphs import DriverGraph, record, when_not_recording
from steadypose.engines.tensorrt.logs import one_line
from steadypose.engines.tensorrt.memory import ALIGNMENT, LOST, MORE_MEMORY, GpuError, User
from steadypose.errors import EngineError


class TorchMemory:
    """See ``memory.DeviceMemory``; made by ``memory.open_memory``.

    Args:
        gpu: The GPU.
        device: Torch's name for it. ``"cpu"`` keeps all of it on the host, where work is done at
            once and nothing is recorded or timed: how this is tested without a GPU.
    """

    def __init__(self, gpu: Gpu, device: str | None = None) -> None:
        try:
            import torch
        except ImportError:
            raise EngineError(
                "neither pycuda nor torch is installed: pip install 'steadypose[tensorrt]'"
            ) from None
        self.gpu, self.name = gpu, f"torch {torch.__version__}"
        self.lost: str | None = None
        self.users: weakref.WeakSet[User] = weakref.WeakSet()
        self._torch: Any = torch
        self._device = torch.device(device or f"cuda:{gpu.index}")
        self._library: ctypes.CDLL | None = None
        if self._device.type == "cuda":
            if not torch.cuda.is_available():
                raise EngineError(
                    f"pycuda is not installed, and torch {torch.__version__} cannot use {gpu}: "
                    "pip install 'steadypose[tensorrt]'"
                )
            self._library = load_library()
        atexit.register(self._shut)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """See ``memory.DeviceMemory``."""
        if self.lost is not None:
            raise GpuError(self.lost)
        on_gpu = self._library is not None
        try:
            with self._torch.cuda.device(self._device) if on_gpu else contextlib.nullcontext():
                yield
        except self._torch.OutOfMemoryError:
            raise GpuError(f"{self.gpu} is out of memory; {MORE_MEMORY}") from None
        except RuntimeError as error:  # so are all of torch's
            raise self._refused(one_line(str(error).partition("\n")[0])) from None
        except GpuError as error:
            raise self._refused(str(error)) from None
        except EngineError as error:
            if not self._is_lost():
                raise
            raise self._refused(str(error)) from None

    def buffer(self, nbytes: int) -> _Buffer:
        """See ``memory.DeviceMemory``."""
        made = self._bytes(nbytes + ALIGNMENT, device=self._device)
        if self._library is not None:
            # Torch may give what work on its own stream, not yet done, has just let go of.
            self._torch.cuda.current_stream(self._device).synchronize()
        return _Buffer(made, nbytes)

    def page_locked(self, nbytes: int) -> _PageLocked:
        """See ``memory.DeviceMemory``."""
        return _PageLocked(self._bytes(max(nbytes, 1), pin_memory=self._library is not None))

    def stream(self) -> _Stream:
        """See ``memory.DeviceMemory``."""
        on_gpu = self._library is not None
        return _Stream(self._torch.cuda.Stream(self._device) if on_gpu else None)

    def event(self) -> _Event:
        """See ``memory.DeviceMemory``."""
        return _Event(self._torch.cuda.Event(enable_timing=True))

    def upload(self, target: _Buffer, source: _PageLocked, nbytes: int, stream: _Stream) -> None:
        """See ``memory.DeviceMemory``."""
        with self._torch.cuda.stream(stream.held):  # None: where the work is done at once
            target.held[:nbytes].copy_(source.held[:nbytes], non_blocking=True)

    def download(self, target: _PageLocked, source: _Buffer, nbytes: int, stream: _Stream) -> None:
        """See ``memory.DeviceMemory``."""
        with self._torch.cuda.stream(stream.held):
            target.held[:nbytes].copy_(source.held[:nbytes], non_blocking=True)

    def record(self, stream: _Stream, work: Callable[[], None]) -> DriverGraph | None:
        """See ``memory.DeviceMemory``."""
        if self._library is None:
            return None
        return record(self._library, stream, work, self.release)

    def release(self, free: Callable[[], object]) -> None:
        """See ``memory.DeviceMemory``."""
        when_not_recording(lambda: self._free(free))

    def _free(self, free: Callable[[], object]) -> None:
        with contextlib.suppress(GpuError), self.active():
            free()

    def _bytes(self, nbytes: int, **where: Any) -> Any:
        return self._torch.empty(nbytes, dtype=self._torch.uint8, **where)

    def _refused(self, why: str) -> GpuError:
        if not why.startswith(str(self.gpu)):  # else it came through an inner ``active``
            why = f"{self.gpu}: {why}"
        if self.lost is None and self._is_lost():
            self.lost = f"{why}; {LOST}"
        return GpuError(self.lost or why)

    def _is_lost(self) -> bool:
        if self._library is None:
            return False
        try:
            self._torch.cuda.mem_get_info(self._device)
        except RuntimeError:
            return True
        return False

    def _shut(self) -> None:
        for user in list(self.users):
            user.close()


class _Held:
    """Something of torch's, which it frees with the last reference, from any thread."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def close(self) -> None:
        """See ``memory``."""
        self.held = None


class _Buffer(_Held):
    def __init__(self, held: Any, nbytes: int) -> None:
        start = -held.data_ptr() % ALIGNMENT
        super().__init__(held[start:])
        self.address, self.nbytes = int(self.held.data_ptr()), nbytes


class _PageLocked(_Held):
    def __init__(self, held: Any) -> None:
        super().__init__(held)
        self.array = held.numpy()


class _Stream(_Held):
    def __init__(self, held: Any) -> None:
        super().__init__(held)
        self.handle = 0 if held is None else int(held.cuda_stream)

    def synchronise(self) -> None:
        """See ``memory.Stream``."""
        if self.held is not None:
            self.held.synchronize()


class _Event(_Held):
    def record(self, stream: _Stream) -> None:
        """See ``memory.Event``."""
        self.held.record(stream.held)

    def elapsed_ms(self, since: _Event) -> float:
        """See ``memory.Event``."""
        since.held.synchronize()
        self.held.synchronize()
        return float(since.held.elapsed_time(self.held))
