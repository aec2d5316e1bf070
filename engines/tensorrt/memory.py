"""A GPU's memory, streams and graphs, as engines use them; pycuda or torch does the work.

All of it is used inside ``with memory.active():``, in whatever thread: CUDA asks each thread anew
which GPU it means. What ``active`` lets out of CUDA's errors is a ``GpuError``.

Things are freed by ``close``, in any order, more than once, and from any thread; what nobody closes
frees itself when it is dropped. Each call costs microseconds: copies and launches are only put on a
stream, and run when those before them on that stream are done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any, Protocol, cast
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.tensorrt.device import Gpu
from steadypose.errors import EngineError

ALIGNMENT = 256
"""Bytes to which addresses and sizes on the device are rounded up, as TensorRT wants them."""

MORE_MEMORY = "end other programs on it, or use smaller batches"
LOST = "nothing runs on it until the program is started again"

Bytes = NDArray[np.uint8]


class GpuError(EngineError):
    """CUDA refused something."""


class Buffer(Protocol):
    """Memory on the device, aligned to ``ALIGNMENT``; its contents are anything at first.

    Attributes:
        address: On the device.
        nbytes: Its size.
    """

    address: int
    nbytes: int

    def close(self) -> None:
        """Free it. What still runs on it must be done."""
        ...


class PageLocked(Protocol):
    """Memory of the host that the GPU copies by itself, while the processor does other things.

    Attributes:
        array: ``(nbytes,)`` uint8. Not to be touched after ``close``.
    """

    array: Bytes

    def close(self) -> None:
        """Free it. Copies to and from it must be done."""
        ...


class Stream(Protocol):
    """A queue of work of its own, that waits for no other.

    Attributes:
        handle: The ``CUstream``, as TensorRT takes it.
    """

    handle: int

    def synchronise(self) -> None:
        """Wait until all of its work is done; what went wrong in it is raised here."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


class Event(Protocol):
    """A mark between the work on a stream, to measure how long that took."""

    def record(self, stream: Stream) -> None:
        """Put the mark after all that was put on the stream so far."""
        ...

    def elapsed_ms(self, since: Any) -> float:
        """Milliseconds of the GPU from the event ``since`` to this one; waits for both."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


class Graph(Protocol):
    """Work that was recorded once, and is launched as a whole."""

    def launch(self, stream: Stream) -> None:
        """Put it on the stream."""
        ...

    def close(self) -> None:
        """Free it. No launch of it may still run."""
        ...


class User(Protocol):
    """What holds things of the GPU until it is closed."""

    def close(self) -> None:
        """Free them all."""
        ...


class DeviceMemory(Protocol):
    """One GPU, shared by all engines of the process that use it.

    Attributes:
        name: What does the work, and its version, e.g. ``"pycuda 2026.1"``.
        gpu: The GPU.
        lost: Why nothing runs on it any more in this process, as after a kernel that crashed; None
            while it works.
        users: Closed at the end of the program, before CUDA goes.
    """

    name: str
    gpu: Gpu
    lost: str | None
    users: WeakSet[User]

    def active(self) -> AbstractContextManager[None]:
        """The GPU is the calling thread's, until the ``with`` ends; may be nested.

        Raises:
            GpuError: CUDA refused what was done inside, or the GPU is lost. An EngineError from
                inside passes as it is, unless it came from the loss of the GPU.
        """
        ...

    def buffer(self, nbytes: int) -> Buffer:
        """Allocate on the device; at least one byte."""
        ...

    def page_locked(self, nbytes: int) -> PageLocked:
        """Allocate on the host; at least one byte."""
        ...

    def stream(self) -> Stream:
        """Make a stream."""
        ...

    def event(self) -> Event:
        """Make an event that takes the time."""
        ...

    def upload(self, target: Buffer, source: PageLocked, nbytes: int, stream: Stream) -> None:
        """Copy the first ``nbytes`` to the device."""
        ...

    def download(self, target: PageLocked, source: Buffer, nbytes: int, stream: Stream) -> None:
        """Copy the first ``nbytes`` to the host."""
        ...

    def record(self, stream: Stream, work: Callable[[], None]) -> Graph | None:
        """Record what ``work`` puts on the stream, without running it.

        Returns:
            None where ``work`` does what cannot be recorded, or raises an EngineError; the stream
            is as it was before.
        """
        ...

    def release(self, free: Callable[[], object]) -> None:
        """Run ``free``, which frees things, as soon as that may be done, with the GPU active.

        For whatever thread and moment the last reference to something goes away in. Raises nothing.
        """
        ...


def rounded(nbytes: int) -> int:
    """``nbytes`` rounded up to ``ALIGNMENT``."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


_guard = threading.Lock()
_open: dict[tuple[str, int], DeviceMemory] = {}


def open_memory(gpu: Gpu, library: str | None = None) -> DeviceMemory:
    """The memory of a GPU; the same for all who ask.

    Args:
        gpu: The GPU.
        library: ``"pycuda"`` or ``"torch"``; without it, pycuda where it is installed, else torch.

    Raises:
        EngineError: Neither is installed, or the chosen one cannot use the GPU; one line.
    """
    chosen = library or ("pycuda" if find_spec("pycuda") else "torch")
    with _guard:
        key = (chosen, gpu.index)
        if key not in _open:
            _open[key] = _LIBRARIES[chosen](gpu)
        return _open[key]


def _pycuda(gpu: Gpu) -> DeviceMemory:
    from steadypose.engines.tensorrt.pycuda_memory import PycudaMemory

    return PycudaMemory(gpu)


def _torch(gpu: Gpu) -> DeviceMemory:
    from steadypose.engines.tensorrt.torch_memory import TorchMemory

    # It takes no buffers but its own, which a Protocol cannot say.
    return cast(DeviceMemory, TorchMemory(gpu))


_LIBRARIES: dict[str, Callable[[Gpu], DeviceMemory]] = {"pycuda": _pycuda, "torch": _torch}
