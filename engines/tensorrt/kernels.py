"""Our CUDA kernels: compiled once a machine, kept beside the engines, launched on any stream."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from steadypose.engines.tensorrt.device import explain, load_library
from steadypose.engines.tensorrt.kernel_compilers import KernelCompiler, kernel_compilers
from steadypose.engines.tensorrt.memory import GpuError, Stream
from steadypose.engines.tensorrt.owned import (
    NotOwnedError,
    check_folder,
    make_folder,
    read_owned,
    write_owned,
)
from steadypose.engines.zoo import cache_folder
from steadypose.errors import EngineError

_LOG = logging.getLogger("steadypose.tensorrt")

SOURCE = Path(__file__).with_name("crops.cu")
"""The kernels ``cut``, ``fit`` and ``planes``."""

CODE = ".cubin"
"""End of the names of compiled kernels."""

BLOCK = 256
"""Threads of a block, in one dimension."""

_MAX_BYTES = 1 << 24
_DIGEST_BYTES = hashlib.sha256().digest_size


def kernel_code(
    architecture: str,
    folder: Path | None = None,
    compilers: Iterable[KernelCompiler] | None = None,
) -> bytes:
    """The kernels for a GPU architecture, from the cache or compiled into it.

    Args:
        architecture: E.g. ``"sm_90"``.
        folder: The cache; without it ``engines`` in the user's cache folder.
        compilers: What to compile with, the preferred first; without it what is installed.

    Raises:
        EngineError: No compiler is installed, or none can make them, or somebody else may have
            written to the cache; one line.
    """
    place = cache_folder() / "engines" if folder is None else folder
    source = SOURCE.read_text(encoding="utf-8")
    reasons: list[str] = []
    for compiler in kernel_compilers() if compilers is None else compilers:
        key = "\0".join((source, architecture, compiler.version))
        name = f"crops-{architecture}-{hashlib.sha256(key.encode()).hexdigest()[:16]}{CODE}"
        kept = _read(place / name)
        if kept is not None:
            return kept
        try:
            made = compiler.compile(source, architecture)
        except EngineError as error:
            reasons.append(str(error))
            continue
        _keep(place / name, made)
        return made
    raise EngineError(
        f"{SOURCE.name}: cannot be compiled for {architecture}: "
        + ("; ".join(reasons) or "there is neither nvcc nor NVRTC: pip install nvidia-cuda-nvrtc")
    )


def _read(path: Path) -> bytes | None:
    """What ``_keep`` wrote; None where there is nothing whole."""
    try:
        content = read_owned(path, _MAX_BYTES) if check_folder(path.parent) else b""
    except NotOwnedError:
        raise
    except (EngineError, OSError):
        return None
    code = content[_DIGEST_BYTES:]
    return code if code and hashlib.sha256(code).digest() == content[:_DIGEST_BYTES] else None


def _keep(path: Path, code: bytes) -> None:
    """Write the code after its SHA-256; what cannot be kept is compiled again next time."""
    try:
        make_folder(path.parent)
        write_owned(path, hashlib.sha256(code).digest() + code, locked=False)
    except NotOwnedError:
        raise
    except (EngineError, OSError) as error:
        _LOG.info("%s: not kept: %s", path, error)


class Kernels:
    """Kernels on one GPU. Made and used while the GPU is active (``DeviceMemory.active``).

    Args:
        code: A cubin for this GPU.
        library: The driver; without it the system's.

    Raises:
        GpuError: The driver refuses the code.
    """

    def __init__(self, code: bytes, library: ctypes.CDLL | None = None) -> None:
        self._library = load_library() if library is None else library
        self._module: ctypes.c_void_p | None = None
        self._functions: dict[str, ctypes.c_void_p] = {}
        self._guard = threading.Lock()
        module = ctypes.c_void_p()
        self._call("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(code))
        self._module = module

    def launch(
        self, name: str, grid: tuple[int, int], arguments: Sequence[Any], stream: Stream
    ) -> None:
        """Put a kernel on a stream.

        Args:
            name: The kernel.
            grid: Blocks of ``BLOCK`` threads in x, and in y.
            arguments: ctypes values, of exactly the types of the kernel's parameters.
            stream: Where it is to run.

        Raises:
            GpuError: The driver refuses it.
        """
        pointers = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        sizes = (*grid, 1, BLOCK, 1, 1, 0)  # blocks, threads, shared memory
        self._call(
            "cuLaunchKernel",
            self._function(name),
            *map(ctypes.c_uint, sizes),
            ctypes.c_void_p(stream.handle),
            pointers,
            None,
        )

    def close(self) -> None:
        """Unload them; nothing of them may still run."""
        module, self._module = self._module, None
        self._functions.clear()
        if module is not None:
            self._call("cuModuleUnload", module)

    def _function(self, name: str) -> ctypes.c_void_p:
        with self._guard:
            if name not in self._functions:
                if self._module is None:
                    raise GpuError(f"kernel {name}: the kernels are closed")
                found = ctypes.c_void_p()
                self._call(
                    "cuModuleGetFunction",
                    ctypes.byref(found),
                    self._module,
                    ctypes.c_char_p(name.encode()),
                )
                self._functions[name] = found
            return self._functions[name]

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            raise GpuError(f"{name}: {explain(self._library, code)}")
