"""What compiles CUDA kernels on this machine: nvcc, or NVRTC, which needs no C++ compiler.

nvcc is run as a program instead of through ``pycuda.compiler``: kernels are then compiled the same
with torch's memory, and lie in one cache, ours, instead of in a second one of pycuda.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from steadypose.engines.tensorrt.logs import one_line
from steadypose.errors import EngineError

_CUDA = Path("/usr/local/cuda")
_TIMEOUT_S = 120.0


class KernelCompiler(Protocol):
    """Turns CUDA source into code of one GPU architecture.

    Attributes:
        version: Name and version; another one may make other code.
    """

    version: str

    def compile(self, source: str, architecture: str) -> bytes:
        """A cubin for ``architecture``, e.g. ``"sm_90"``. Raises EngineError with one line."""
        ...


class Nvcc:
    """The CUDA toolkit's compiler.

    Raises:
        EngineError: It does not run.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        lines = self._run("--version").stdout.strip().splitlines()
        self.version = f"nvcc {lines[-1].strip() if lines else 'unknown'}"

    def compile(self, source: str, architecture: str) -> bytes:
        """See ``KernelCompiler.compile``."""
        with tempfile.TemporaryDirectory(prefix="steadypose-") as folder:
            code, made = Path(folder, "kernels.cu"), Path(folder, "kernels.cubin")
            code.write_text(source, encoding="utf-8")
            done = self._run(f"-arch={architecture}", "-cubin", "-o", str(made), str(code))
            if done.returncode or not made.is_file():
                raise EngineError(f"{self._path}: {one_line(done.stderr or done.stdout)}")
            return made.read_bytes()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self._path, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S
            )
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
            raise EngineError(f"{self._path}: cannot be run: {one_line(error)}") from error


class Nvrtc:
    """NVIDIA's run-time compilation library, in the toolkit or as the wheel nvidia-cuda-nvrtc.

    Raises:
        EngineError: The library cannot be loaded.
    """

    def __init__(self, path: str) -> None:
        try:
            # NVRTC looks for its second library by name alone; one that is loaded it finds.
            if Path(path).is_absolute():
                for builtins in sorted(Path(path).parent.glob("libnvrtc-builtins.so*")):
                    ctypes.CDLL(str(builtins))
            self._library = ctypes.CDLL(path)
        except OSError as error:
            raise EngineError(f"NVRTC: {one_line(error)}") from error
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        self.version = f"nvrtc {major.value}.{minor.value}"

    def compile(self, source: str, architecture: str) -> bytes:
        """See ``KernelCompiler.compile``."""
        program = ctypes.c_void_p()
        self._call(
            "nvrtcCreateProgram",
            ctypes.byref(program),
            ctypes.c_char_p(source.encode()),
            ctypes.c_char_p(b"kernels.cu"),
            ctypes.c_int(0),
            None,
            None,
        )
        try:
            options = (ctypes.c_char_p * 1)(f"--gpu-architecture={architecture}".encode())
            if self._library.nvrtcCompileProgram(program, ctypes.c_int(1), options):
                log = self._read(program, "ProgramLog").decode("utf-8", "replace").rstrip("\0")
                raise EngineError(f"{self.version}: {one_line(log)}")
            return self._read(program, "CUBIN")
        finally:
            self._call("nvrtcDestroyProgram", ctypes.byref(program))

    def _read(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        content = ctypes.create_string_buffer(size.value)
        self._call(f"nvrtcGet{what}", program, content)
        return content.raw

    def _call(self, name: str, *arguments: object) -> None:
        try:
            code = getattr(self._library, name)(*arguments)
        except AttributeError:
            raise EngineError(f"NVRTC: too old, it has no {name}; CUDA 11.2 or newer") from None
        if code:
            raise EngineError(f"NVRTC: {name} failed with error {code}")


def kernel_compilers() -> Iterator[KernelCompiler]:
    """The compilers of this machine that can be started, the preferred one first."""
    for path in _nvcc_paths():
        try:
            yield Nvcc(path)
        except EngineError:
            continue
        break
    for path in _nvrtc_paths():
        try:
            yield Nvrtc(path)
        except EngineError:
            continue
        break


def toolkits() -> list[Path]:
    """Where a CUDA toolkit may lie."""
    named = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")]
    return [Path(folder) for folder in named if folder] + [_CUDA]


def wheel_libraries(pattern: str) -> Iterator[str]:
    """Libraries of NVIDIA's wheels, the newest CUDA first."""
    spec = find_spec("nvidia")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(map(str, Path(folder).glob(f"*/lib/{pattern}")), reverse=True)


def _nvcc_paths() -> Iterator[str]:
    on_path = shutil.which("nvcc")
    if on_path:
        yield on_path
    for toolkit in toolkits():
        own = toolkit / "bin" / "nvcc"
        if own.is_file():
            yield str(own)


def _nvrtc_paths() -> Iterator[str]:
    """Of the toolkit, of NVIDIA's wheels, then whatever the system's loader knows."""
    for toolkit in toolkits():
        yield from sorted(map(str, toolkit.glob("lib64/libnvrtc.so*")))
    yield from wheel_libraries("libnvrtc.so.*")
    if sys.platform == "linux":
        yield from ("libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12")
