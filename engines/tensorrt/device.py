"""Which NVIDIA GPUs there are, asked of the driver itself.

No CUDA library is needed, no context is made, and no memory of a GPU is taken.
"""

from __future__ import annotations

import ctypes
import os
import threading
from dataclasses import dataclass

from steadypose.configs import check_device
from steadypose.errors import ConfigError, EngineError

LIBRARY = "libcuda.so.1"
"""The driver's own library."""

MIN_CUDA = (12, 0)
"""The oldest CUDA that a TensorRT here was built for (8.6)."""

# Numbers of the CUDA driver API.
_NO_DEVICE = 100
_MAJOR, _MINOR = 75, 76
_NAME_BYTES = 256
_REASONS = {
    34: "libcuda.so.1 is a stub to link against; take its folder out of LD_LIBRARY_PATH",
    35: "the driver is too old for its own library: update it",
    803: "driver and library are of different versions: restart the machine, or the container",
    804: "the driver is too old for this libcuda.so.1: update it",
}

_guard = threading.Lock()
_answer: Driver | EngineError | None = None


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """A GPU.

    Attributes:
        index: Its number, after CUDA_VISIBLE_DEVICES.
        name: E.g. ``"NVIDIA H200"``.
        capability: Compute capability, e.g. ``(9, 0)``.
        memory_bytes: All of its memory.
    """

    index: int
    name: str
    capability: tuple[int, int]
    memory_bytes: int

    @property
    def architecture(self) -> str:
        """E.g. ``"sm_90"``."""
        return f"sm_{self.capability[0]}{self.capability[1]}"

    def __str__(self) -> str:
        return f"cuda:{self.index} ({self.name}, {self.architecture})"


@dataclass(frozen=True, kw_only=True)
class Driver:
    """What the driver says.

    Attributes:
        cuda: The newest CUDA that it supports, e.g. ``(12, 8)``.
        gpus: The GPUs, by index.
    """

    cuda: tuple[int, int]
    gpus: tuple[Gpu, ...]


def find_gpu(device: str = "auto") -> Gpu:
    """The GPU that ``device`` means: the first for ``"auto"`` and ``"cuda"``, N for ``"cuda:N"``.

    Raises:
        ConfigError: ``device`` is none of these.
        EngineError: There is no such GPU, or no driver that can be used.
    """
    index = _index(device)
    gpus = find_driver().gpus
    if index >= len(gpus):
        raise EngineError(f"device '{device}': there is only " + ", ".join(map(str, gpus)))
    return gpus[index]


def find_driver() -> Driver:
    """Ask the driver; once a process, as it never changes its answer.

    Raises:
        EngineError: There is no driver, it does not work or is too old, or it shows no GPU.
    """
    global _answer
    with _guard:
        if _answer is None:
            try:
                _answer = _ask()
            except EngineError as error:
                _answer = error
        if isinstance(_answer, EngineError):
            raise EngineError(str(_answer))
        return _answer


def load_library() -> ctypes.CDLL:
    """The driver's library. Raises EngineError where it cannot be loaded."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise EngineError(f"no NVIDIA driver: {error}; install one, or use --device cpu") from None


def explain(library: ctypes.CDLL, code: int) -> str:
    """What a CUresult means, in the driver's words, e.g. ``"out of memory (CUDA error 2)"``."""
    text = ctypes.c_char_p()
    known = library.cuGetErrorString(ctypes.c_int(code), ctypes.byref(text)) == 0
    words = text.value.decode("utf-8", "replace") if known and text.value else "unknown error"
    return f"{words} (CUDA error {code})"


def _index(device: str) -> int:
    check_device("device", device)
    if device == "cpu":
        raise ConfigError("device 'cpu' is no GPU; expected auto, cuda or cuda:N")
    return int(device.partition(":")[2] or 0)


def _ask() -> Driver:
    library = load_library()
    _start(library)
    version, count = ctypes.c_int(), ctypes.c_int()
    _call(library, "cuDriverGetVersion", ctypes.byref(version))
    cuda = (version.value // 1000, version.value % 1000 // 10)
    if cuda < MIN_CUDA:
        raise EngineError(
            f"the NVIDIA driver supports CUDA {cuda[0]}.{cuda[1]}, and TensorRT needs "
            f"{MIN_CUDA[0]}.{MIN_CUDA[1]} or newer: update the driver"
        )
    _call(library, "cuDeviceGetCount", ctypes.byref(count))
    if count.value < 1:
        raise EngineError(_none_visible())
    return Driver(cuda=cuda, gpus=tuple(_gpu(library, index) for index in range(count.value)))


def _start(library: ctypes.CDLL) -> None:
    code = library.cuInit(ctypes.c_uint(0))
    if code == _NO_DEVICE:
        raise EngineError(_none_visible())
    if code:
        reason = _REASONS.get(code) or explain(library, code)
        raise EngineError(f"the NVIDIA driver does not work: {reason}")


def _none_visible() -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = "" if visible is None else f" (CUDA_VISIBLE_DEVICES is '{visible}')"
    return f"the NVIDIA driver shows no GPU{hidden}"


def _gpu(library: ctypes.CDLL, index: int) -> Gpu:
    handle, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    memory, name = ctypes.c_size_t(), ctypes.create_string_buffer(_NAME_BYTES)
    _call(library, "cuDeviceGet", ctypes.byref(handle), ctypes.c_int(index))
    _call(library, "cuDeviceGetName", name, ctypes.c_int(_NAME_BYTES), handle)
    _call(library, "cuDeviceTotalMem_v2", ctypes.byref(memory), handle)
    _call(library, "cuDeviceGetAttribute", ctypes.byref(major), ctypes.c_int(_MAJOR), handle)
    _call(library, "cuDeviceGetAttribute", ctypes.byref(minor), ctypes.c_int(_MINOR), handle)
    return Gpu(
        index=index,
        name=name.value.decode("utf-8", "replace"),
        capability=(major.value, minor.value),
        memory_bytes=memory.value,
    )


def _call(library: ctypes.CDLL, name: str, *arguments: object) -> None:
    code = getattr(library, name)(*arguments)
    if code:
        raise EngineError(f"the NVIDIA driver does not work: {name}: {explain(library, code)}")
