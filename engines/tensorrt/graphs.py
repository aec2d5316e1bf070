"""CUDA graphs through the driver's own functions, on the stream of any library.

pycuda has no graphs, and torch's are tied to its allocator.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable

from steadypose.engines.tensorrt.device import explain
from steadypose.engines.tensorrt.memory import GpuError, Stream
from steadypose.errors import EngineError

_THREAD_LOCAL = 1
"""What other threads do meanwhile, such as allocating, does not disturb the recording."""

_NOT_RECORDABLE = range(900, 910)

_state = threading.local()


class DriverGraph:
    """A recorded and instantiated graph; see ``memory.Graph``.

    Args:
        library: libcuda.
        executable: The ``CUgraphExec``.
        release: Runs a function that frees something, when that may be done.
    """

    def __init__(
        self,
        library: ctypes.CDLL,
        executable: ctypes.c_void_p,
        release: Callable[[Callable[[], object]], None],
    ) -> None:
        self._library, self._release = library, release
        self._executable: ctypes.c_void_p | None = executable

    def launch(self, stream: Stream) -> None:
        """Put it on the stream."""
        check(
            self._library,
            self._library.cuGraphLaunch(self._executable, ctypes.c_void_p(stream.handle)),
        )

    def close(self) -> None:
        """Free it."""
        executable, self._executable = self._executable, None
        if executable is not None:
            library = self._library
            self._release(lambda: library.cuGraphExecDestroy(executable))

    __del__ = close


def record(
    library: ctypes.CDLL,
    stream: Stream,
    work: Callable[[], None],
    release: Callable[[Callable[[], object]], None],
) -> DriverGraph | None:
    """See ``memory.DeviceMemory.record``. What ``work`` raises as an EngineError means None."""
    handle, graph, executable = ctypes.c_void_p(stream.handle), ctypes.c_void_p(), ctypes.c_void_p()
    check(library, library.cuStreamBeginCapture_v2(handle, ctypes.c_int(_THREAD_LOCAL)))
    refused = False
    waiting: list[Callable[[], None]] = []
    _state.waiting = waiting
    try:
        try:
            work()
        except EngineError:
            refused = True
        finally:
            ended = library.cuStreamEndCapture(handle, ctypes.byref(graph))
        if ended in _NOT_RECORDABLE:
            return None
        check(library, ended)
        if refused:
            return None
        flags = ctypes.c_ulonglong(0)
        check(
            library,
            library.cuGraphInstantiateWithFlags(ctypes.byref(executable), graph, flags),
        )
        return DriverGraph(library, executable, release)
    finally:
        if graph.value:
            library.cuGraphDestroy(graph)
        del _state.waiting
        for free in waiting:
            free()


def when_not_recording(free: Callable[[], None]) -> None:
    """Run ``free`` now, or after the recording that the calling thread is in.

    Freeing memory would spoil the recording, and the garbage collector chooses its own time.
    """
    waiting = getattr(_state, "waiting", None)
    if waiting is None:
        free()
    else:
        waiting.append(free)


def check(library: ctypes.CDLL, code: int) -> None:
    """Raise GpuError unless the driver's ``code`` is 0."""
    if code:
        raise GpuError(explain(library, code))


def is_lost(library: ctypes.CDLL) -> bool:
    """Whether the GPU, which must be the calling thread's, refuses everything after a failure."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    code: int = library.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
    return code != 0
