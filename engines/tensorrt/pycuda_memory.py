"""A GPU's memory through pycuda, in the device's primary context.

The primary context is the one that TensorRT and torch use too. ``pycuda.autoinit`` would make
another. ``pycuda.autoprimaryctx`` takes the primary one, but of a device that it chooses itself,
and leaves it on the thread that imports it first. What that module does is done here for the
device asked for, and every thread gets the context when it needs it.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import logging
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from steadypose.engines.tensorrt.device import Gpu, load_library
from steadypose.engines.tensorrt.graphs import (
    DriverGraph,
    is_lost,
    record,
    when_not_recording,
)
from steadypose.engines.tensorrt.logs import one_line
from steadypose.engines.tensorrt.memory import (
    LOST,
    MORE_MEMORY,
    Buffer,
    Bytes,
    GpuError,
    PageLocked,
    User,
)
from steadypose.errors import EngineError

_LOG = logging.getLogger("steadypose.tensorrt")
_NON_BLOCKING = 1
"""A stream that does not wait for the default one, on which other libraries may work."""


class PycudaMemory:
    """See ``memory.DeviceMemory``; made by ``memory.open_memory``."""

    def __init__(self, gpu: Gpu) -> None:
        try:
            import pycuda
            import pycuda.driver as driver
        except ImportError as error:
            raise EngineError(
                f"pycuda cannot be imported ({one_line(error, 200)}); install it again"
            ) from None
        self.gpu, self.name = gpu, f"pycuda {pycuda.VERSION_TEXT}"
        self.lost: str | None = None
        self.users: weakref.WeakSet[User] = weakref.WeakSet()
        self.held: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._driver, self._library = driver, load_library()
        # What was not freed before the GPU was lost: its destructors would complain.
        self._grave: list[Callable[[], object]] = []
        try:
            driver.init()
            self._context: Any = driver.Device(gpu.index).retain_primary_context()
        except driver.Error as error:
            raise EngineError(f"{gpu} cannot be used: {one_line(error)}") from None
        atexit.register(self._shut)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """See ``memory.DeviceMemory``."""
        self._assert_alive()
        try:
            self._context.push()
        except self._driver.Error as error:
            raise GpuError(f"{self.gpu}: {one_line(error)}") from None
        try:
            yield
        except self._driver.MemoryError:
            raise GpuError(f"{self.gpu} is out of memory; {MORE_MEMORY}") from None
        except self._driver.Error as error:
            raise self._refused(one_line(error)) from None
        except GpuError as error:
            raise self._refused(str(error)) from None
        except EngineError as error:
            if not is_lost(self._library):
                raise
            raise self._refused(str(error)) from None
        finally:
            self._pop()

    def buffer(self, nbytes: int) -> _Buffer:
        """See ``memory.DeviceMemory``."""
        return _Buffer(self, self._driver.mem_alloc(max(nbytes, 1)), nbytes)

    def page_locked(self, nbytes: int) -> _PageLocked:
        """See ``memory.DeviceMemory``."""
        return _PageLocked(self, self._driver.pagelocked_empty(max(nbytes, 1), "uint8"))

    def stream(self) -> _Stream:
        """See ``memory.DeviceMemory``."""
        return _Stream(self, self._driver.Stream(_NON_BLOCKING))

    def event(self) -> _Event:
        """See ``memory.DeviceMemory``."""
        return _Event(self, self._driver.Event())

    def upload(self, target: Buffer, source: PageLocked, nbytes: int, stream: Any) -> None:
        """See ``memory.DeviceMemory``."""
        self._driver.memcpy_htod_async(target.address, source.array[:nbytes], stream.held)

    def download(self, target: PageLocked, source: Buffer, nbytes: int, stream: Any) -> None:
        """See ``memory.DeviceMemory``."""
        self._driver.memcpy_dtoh_async(target.array[:nbytes], source.address, stream.held)

    def record(self, stream: Any, work: Callable[[], None]) -> DriverGraph | None:
        """See ``memory.DeviceMemory``."""
        return record(self._library, stream, work, self.release)

    def release(self, free: Callable[[], object]) -> None:
        """See ``memory.DeviceMemory``."""
        when_not_recording(lambda: self._free(free))

    def _free(self, free: Callable[[], object]) -> None:
        # pycuda frees only where its context is the thread's, and leaks with a warning elsewhere.
        if self._context is None:  # at exit; all of it went with the context
            return
        if self.lost is not None:
            self._grave.append(free)
            return
        try:
            with self.active():
                free()
        except GpuError as error:
            self._grave.append(free)
            _LOG.debug("could not free: %s", error)

    def _assert_alive(self) -> None:
        if self._context is None:
            raise GpuError(f"{self.gpu}: the program is ending")
        if self.lost is not None:
            raise GpuError(self.lost)

    def _refused(self, why: str) -> GpuError:
        if not why.startswith(str(self.gpu)):  # else it came through an inner ``active``
            why = f"{self.gpu}: {why}"
        if self.lost is None and is_lost(self._library):
            self.lost = f"{why}; {LOST}"
        return GpuError(self.lost or why)

    def _pop(self) -> None:
        try:
            self._driver.Context.pop()
        except self._driver.Error as error:
            self.lost = self.lost or f"{self.gpu}: {one_line(error)}; {LOST}"
            # pycuda aborts the process when a thread ends with a context left on its stack.
            self._context.detach()

    def _shut(self) -> None:
        """Close whatever still uses the GPU, then let go of it; at the end of the program."""
        for user in [*self.users, *self.held]:
            user.close()
        if self.lost is not None:
            # The driver would refuse to free anything, and pycuda complain: kept to the very end.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
            return
        context, self._context = self._context, None
        with contextlib.suppress(self._driver.Error):
            # On a thread that does not have it, pycuda would not release the context.
            context.push()
            context.detach()
            self._library.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))


class _Held:
    """Something of pycuda's that is freed once, on the right context."""

    def __init__(self, memory: PycudaMemory, held: Any) -> None:
        self.memory, self.held = memory, held
        memory.held.add(self)

    def close(self) -> None:
        """See ``memory``."""
        free = self._take()
        if free is not None:
            self.memory.release(free)

    def _take(self) -> Callable[[], object] | None:
        held, self.held = self.held, None
        # Destroyed with the last reference, which is to be dropped where the context is.
        return None if held is None else [held].clear

    def __del__(self) -> None:
        self.close()


class _Memory(_Held):
    def _take(self) -> Callable[[], object] | None:
        held, self.held = self.held, None
        return None if held is None else held.free


class _Buffer(_Memory):
    def __init__(self, memory: PycudaMemory, held: Any, nbytes: int) -> None:
        super().__init__(memory, held)
        self.address, self.nbytes = int(held), nbytes


class _PageLocked(_Memory):
    def __init__(self, memory: PycudaMemory, array: Bytes) -> None:
        super().__init__(memory, array.base)
        self.array = array


class _Stream(_Held):
    def __init__(self, memory: PycudaMemory, held: Any) -> None:
        super().__init__(memory, held)
        self.handle = int(held.handle)

    def synchronise(self) -> None:
        """See ``memory.Stream``."""
        self.held.synchronize()


class _Event(_Held):
    def record(self, stream: Any) -> None:
        """See ``memory.Event``."""
        self.held.record(stream.held)

    def elapsed_ms(self, since: Any) -> float:
        """See ``memory.Event``."""
        since.held.synchronize()
        self.held.synchronize()
        return float(self.held.time_since(since.held))
