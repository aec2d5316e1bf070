"""A GPU's memory that counts what is copied and takes the time between upload and download."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from typing import Any

from steadypose.engines.tensorrt.device import explain, load_library
from steadypose.engines.tensorrt.memory import Buffer, DeviceMemory, PageLocked, Stream
from steadypose.errors import EngineError


class Probe:
    """Passes everything on to another ``DeviceMemory``, and looks on. For one thread.

    Args:
        memory: What does the work.

    Attributes:
        up, down: Copies to and from the device so far.
    """

    def __init__(self, memory: DeviceMemory) -> None:
        self._memory = memory
        self.up = self.down = 0
        self._spent: list[float] | None = None
        self._begin: Any = None
        self._end: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)

    def upload(self, target: Buffer, source: PageLocked, nbytes: int, stream: Stream) -> None:
        """See ``DeviceMemory.upload``; the time begins behind it."""
        self._memory.upload(target, source, nbytes, stream)
        self.up += 1
        if self._begin is not None:
            self._begin.record(stream)

    def download(self, target: PageLocked, source: Buffer, nbytes: int, stream: Stream) -> None:
        """See ``DeviceMemory.download``; the time ends before it."""
        if self._end is not None:
            self._end.record(stream)
        self._memory.download(target, source, nbytes, stream)
        self.down += 1
        if self._spent is not None:
            self._spent.append(float(self._end.elapsed_ms(self._begin)))

    def device_bytes(self) -> int:
        """Memory of the device that is taken, by whomever. Raises EngineError."""
        library = load_library()
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        with self._memory.active():
            code = library.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
        if code:
            raise EngineError(f"{self._memory.gpu}: {explain(library, code)}")
        return total.value - free.value

    @contextlib.contextmanager
    def timing(self) -> Iterator[list[float]]:
        """Milliseconds of each batch that is run while the context is open.

        Each batch then waits for the device before its download ends, so that the host's clock is
        not to be read meanwhile.
        """
        spent: list[float] = []
        with self._memory.active():
            self._begin, self._end = self._memory.event(), self._memory.event()
        self._spent = spent
        try:
            yield spent
        finally:
            begin, end = self._begin, self._end
            self._begin = self._end = self._spent = None
            with self._memory.active():
                begin.close()
                end.close()
