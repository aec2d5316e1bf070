"""Copies of a batch as CUPTI, NVIDIA's profiling library, counts them: nobody's own word for it.

``python -m steadypose.benchmarks.engines.traced MODEL [DEVICE]`` runs batches of a network in
TensorRT and prints what each copied and launched; exit code 1 where it was not one copy up and one
down. Needs ``libcupti.so`` of the CUDA toolkit or of the wheel nvidia-cuda-cupti, and no profiler.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from steadypose.engines.tensorrt.kernel_compilers import toolkits, wheel_libraries
from steadypose.errors import EngineError, SteadyposeError

_BYTES = 1 << 20
_BATCH, _WARM, _ROUNDS = 8, 10, 100
# Numbers of cupti_activity.h: kinds of activity, kinds of copies.
_MEMCPY, _KERNEL = 1, 10
_COPIES = {1: "up", 2: "down"}

_REQUESTED = ctypes.CFUNCTYPE(
    None,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(ctypes.c_size_t),
)
_COMPLETED = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t
)


class _Record(ctypes.Structure):
    """How every record begins; ``copy`` is only of copies."""

    _fields_ = (("kind", ctypes.c_uint32), ("copy", ctypes.c_uint8))


class Cupti:
    """Counts what the GPU does for this process.

    Args:
        path: The library; without it the one that is found.

    Raises:
        EngineError: There is none, or it refuses.
    """

    def __init__(self, path: str | None = None) -> None:
        self._library = _load([path] if path else list(_paths()))
        self._seen: Counter[str] = Counter()
        self._buffers: dict[int, Any] = {}
        # CUPTI keeps them for good.
        self._callbacks = (_REQUESTED(self._requested), _COMPLETED(self._completed))
        self._call("cuptiActivityRegisterCallbacks", *self._callbacks)

    @contextlib.contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Counts of ``up``, ``down``, ``other copies`` and ``kernels``; whole once it is closed."""
        kinds = [ctypes.c_int(kind) for kind in (_MEMCPY, _KERNEL)]
        self._call("cuptiActivityFlushAll", ctypes.c_uint32(1))
        self._seen.clear()
        for kind in kinds:
            self._call("cuptiActivityEnable", kind)
        found: Counter[str] = Counter()
        try:
            yield found
        finally:
            self._call("cuptiActivityFlushAll", ctypes.c_uint32(1))
            for kind in kinds:
                self._call("cuptiActivityDisable", kind)
            found.update(self._seen)

    def _requested(self, buffer: Any, size: Any, most: Any) -> None:
        made = ctypes.create_string_buffer(_BYTES + 8)
        start = -(-ctypes.addressof(made) // 8) * 8  # CUPTI wants 8 bytes' alignment
        self._buffers[start] = made
        buffer[0], size[0], most[0] = start, _BYTES, 0

    def _completed(self, _context: Any, _stream: int, buffer: int, _size: int, valid: int) -> None:
        record = ctypes.POINTER(_Record)()
        place, length = ctypes.c_void_p(buffer), ctypes.c_size_t(valid)
        while valid and not self._library.cuptiActivityGetNextRecord(
            place, length, ctypes.byref(record)
        ):
            if record.contents.kind == _MEMCPY:
                self._seen[_COPIES.get(record.contents.copy, "other copies")] += 1
            elif record.contents.kind == _KERNEL:
                self._seen["kernels"] += 1
        self._buffers.pop(buffer, None)

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            raise EngineError(f"CUPTI: {name} failed with error {code}")


def _paths() -> Iterator[str]:
    for toolkit in toolkits():
        yield from sorted(map(str, toolkit.glob("extras/CUPTI/lib64/libcupti.so*")))
    yield from wheel_libraries("libcupti.so*")
    yield from ("libcupti.so", "libcupti.so.13", "libcupti.so.12")


def _load(paths: list[str]) -> ctypes.CDLL:
    for path in paths:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(path)
    raise EngineError("there is no libcupti.so: pip install nvidia-cuda-cupti")


def main() -> int:
    """Count the copies of the network named."""
    from steadypose.benchmarks.engines.feeds import noise
    from steadypose.benchmarks.engines.networks import Network
    from steadypose.benchmarks.engines.tensorrt_contender import TensorRtContender
    from steadypose.benchmarks.refiner.networks import SIZE
    from steadypose.engines.runtimes import Shapes

    try:
        cupti = Cupti()  # before CUDA is started, so that it sees all of it
        network = Network.named(sys.argv[1])
        shapes = Shapes(max_batch=_BATCH, sizes=(SIZE,))
        device = sys.argv[2] if len(sys.argv) > 2 else "cuda"
        contender = TensorRtContender(network.path, device, "fp16", shapes)
        feeds = noise(network.inputs, _BATCH, 0)
        for _ in range(_WARM):
            contender.infer(feeds)
        with cupti.counting() as found:
            for _ in range(_ROUNDS):
                contender.infer(feeds)
        contender.close()
    except SteadyposeError as error:
        print(f"traced: {error}", file=sys.stderr)
        return error.exit_code
    told = ", ".join(f"{name} {found[name] / _ROUNDS:g}" for name in ("up", "down", "kernels"))
    print(f"{network.name}, {contender.engine}, batch {_BATCH}: a batch has {told}", end="")
    print(f", other copies {found['other copies'] / _ROUNDS:g}")
    return 0 if found["up"] == found["down"] == _ROUNDS and not found["other copies"] else 1


if __name__ == "__main__":
    sys.exit(main())
