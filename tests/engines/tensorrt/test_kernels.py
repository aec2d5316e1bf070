"""Compiling the kernels for GPUs, keeping them, and launching them."""

from __future__ import annotations

import ctypes
import hashlib
import re
import shutil
import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steadypose.engines.tensorrt.kernel_compilers import (
    Nvcc,
    Nvrtc,
    kernel_compilers,
    wheel_libraries,
)
from steadypose.engines.tensorrt.kernels import SOURCE, Kernels, kernel_code
from steadypose.engines.tensorrt.memory import GpuError
from steadypose.errors import EngineError
from tests.engines.tensorrt.host_kernels import CODE, host_kernels

STREAM: Any = SimpleNamespace(handle=0)


class Compiler:
    def __init__(self, version: str = "one", fails: str = "") -> None:
        self.version, self.fails, self.calls = version, fails, 0

    def compile(self, source: str, architecture: str) -> bytes:
        self.calls += 1
        if self.fails:
            raise EngineError(self.fails)
        assert source == SOURCE.read_text(encoding="utf-8")
        return f"{self.version} {architecture}".encode()


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.cubin"))


def nvrtc_wheel() -> str:
    """The library of NVIDIA's wheel; skips where it is not installed."""
    found = next(wheel_libraries("libnvrtc.so.*"), None)
    if found is None:
        pytest.skip("the wheel nvidia-cuda-nvrtc is not installed")
    return found


class NvrtcPtx(Nvrtc):
    """Gives what is assembled to a cubin, which can be read."""

    def _read(self, program: ctypes.c_void_p, what: str) -> bytes:
        return super()._read(program, "PTX" if what == "CUBIN" else what)


@pytest.mark.parametrize("number", ["75", "90", "120"])
def test_the_source_compiles_and_fuses_nothing_of_its_own(number: str) -> None:
    source = SOURCE.read_text(encoding="utf-8")
    text = NvrtcPtx(nvrtc_wheel()).compile(source, f"compute_{number}").decode()
    assert f".target sm_{number}" in text
    assert set(re.findall(r"\.entry (\w+)", text)) == {"cut", "fit", "planes"}
    # Unless it says how to round, the assembler may fuse a product with a sum.
    loose = [line for line in text.splitlines() if re.search(r"\b(add|sub|mul|div)\.f32", line)]
    assert not loose
    assert ".f64" not in text


def test_what_was_compiled_is_kept_for_its_owner(tmp_path: Path) -> None:
    folder, compiler = tmp_path / "engines", Compiler()
    for _ in range(2):
        assert kernel_code("sm_90", folder, [compiler]) == b"one sm_90"
    assert compiler.calls == 1
    (path,) = kept(folder)
    assert path.name.startswith("crops-sm_90-")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kernel_code("sm_89", folder, [compiler]) == b"one sm_89"
    assert kernel_code("sm_90", folder, [Compiler("two")]) == b"two sm_90"
    assert len(kept(folder)) == 3


@pytest.mark.parametrize(
    "content", [b"", b"short", hashlib.sha256(b"x").digest() + b"y", hashlib.sha256().digest()]
)
def test_damaged_code_is_compiled_again(tmp_path: Path, content: bytes) -> None:
    folder, compiler = tmp_path / "engines", Compiler()
    kernel_code("sm_90", folder, [compiler])
    (path,) = kept(folder)
    path.write_bytes(content)
    assert kernel_code("sm_90", folder, [compiler]) == b"one sm_90"
    assert compiler.calls == 2
    kernel_code("sm_90", folder, [compiler])
    assert compiler.calls == 2


def test_code_that_others_may_have_written_is_refused(tmp_path: Path) -> None:
    folder, compiler = tmp_path / "engines", Compiler()
    kernel_code("sm_90", folder, [compiler])
    kept(folder)[0].chmod(0o666)
    with pytest.raises(EngineError, match="others may write"):
        kernel_code("sm_90", folder, [compiler])


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    place = tmp_path / "file" / "engines"
    place.parent.write_text("in the way")
    compiler = Compiler()
    for calls in (1, 2):
        assert kernel_code("sm_90", place, [compiler]) == b"one sm_90"
        assert compiler.calls == calls


def test_the_next_compiler_is_tried_and_all_reasons_are_told(tmp_path: Path) -> None:
    broken, works = Compiler("broken", "nvcc: no C++ compiler"), Compiler("works")
    assert kernel_code("sm_90", tmp_path / "a", [broken, works]) == b"works sm_90"
    with pytest.raises(EngineError, match=r"sm_90: nvcc: no C\+\+ compiler; too old") as error:
        kernel_code("sm_90", tmp_path / "b", [broken, Compiler("old", "too old")])
    assert "\n" not in str(error.value)
    with pytest.raises(EngineError, match="neither nvcc nor NVRTC"):
        kernel_code("sm_90", tmp_path / "b", [])


def write_program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
    path.chmod(0o755)
    return path


class TestNvcc:
    def test_says_what_it_says(self, tmp_path: Path) -> None:
        program = write_program(
            tmp_path / "nvcc",
            'if [ "$1" = --version ]; then echo "Build cuda_1.2"; exit 0; fi',
            'echo "crops.cu(3): error:" >&2; echo "what is this" >&2; exit 2',
        )
        nvcc = Nvcc(str(program))
        assert nvcc.version == "nvcc Build cuda_1.2"
        with pytest.raises(EngineError, match=r"crops\.cu\(3\): error: what is this$"):
            nvcc.compile("", "sm_90")

    def test_takes_what_it_makes(self, tmp_path: Path) -> None:
        program = write_program(tmp_path / "nvcc", '[ "$1" = --version ] || cp "$5" "$4"')
        assert Nvcc(str(program)).compile("the source", "sm_90") == b"the source"

    def test_that_does_not_run_is_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken, works = tmp_path / "broken", tmp_path / "works"
        (broken / "bin").mkdir(parents=True)
        (broken / "bin" / "nvcc").write_text("not a program")
        write_program(works / "bin" / "nvcc", "echo works")
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("CUDA_HOME", str(broken))
        monkeypatch.setenv("CUDA_PATH", str(works))
        assert next(kernel_compilers()).version == "nvcc works"


# NVRTC's calls: what it "compiles" is the source and its option; "?" in it is an error.
NVRTC = r"""
#include <stdlib.h>
#include <string.h>
struct Program { char *source; const char *made; };
int programs;
int nvrtcVersion(int *major, int *minor) { *major = 12; *minor = 9; return 0; }
int nvrtcCreateProgram(struct Program **p, const char *source, const char *name, int headers,
                       const char *const *contents, const char *const *names)
{
    if (strcmp(name, "kernels.cu") || headers || contents || names) return 3;
    *p = calloc(1, sizeof **p);
    (*p)->source = strdup(source);
    ++programs;
    return 0;
}
int nvrtcCompileProgram(struct Program *p, int count, const char *const *options)
{
    if (count != 1 || strchr(p->source, '?')) return 6;
    p->made = strdup(options[0]);
    return 0;
}
int nvrtcGetProgramLogSize(struct Program *p, size_t *n) { (void)p; *n = 15; return 0; }
int nvrtcGetProgramLog(struct Program *p, char *to)
{
    (void)p;
    memcpy(to, "line 1:\nwrong?", 15);
    return 0;
}
int nvrtcGetCUBINSize(struct Program *p, size_t *n) { *n = strlen(p->made); return 0; }
int nvrtcGetCUBIN(struct Program *p, char *to) { memcpy(to, p->made, strlen(p->made)); return 0; }
int nvrtcDestroyProgram(struct Program **p) { *p = 0; --programs; return 0; }
"""


class TestNvrtc:
    def test_is_called_as_it_wants_to_be(self, tmp_path: Path) -> None:
        gcc = shutil.which("gcc")
        if gcc is None:
            pytest.skip("no gcc")
        source, library = tmp_path / "nvrtc.c", tmp_path / "libnvrtc.so.12"
        source.write_text(NVRTC)
        subprocess.run([gcc, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
        compiler = Nvrtc(str(library))
        assert compiler.version == "nvrtc 12.9"
        assert compiler.compile("int x;", "sm_90") == b"--gpu-architecture=sm_90"
        with pytest.raises(EngineError, match=r"^nvrtc 12\.9: line 1: wrong\?$"):
            compiler.compile("int x = ?;", "sm_90")
        assert ctypes.c_int.in_dll(ctypes.CDLL(str(library)), "programs").value == 0

    def test_makes_a_cubin(self) -> None:
        source = SOURCE.read_text(encoding="utf-8")
        assert Nvrtc(nvrtc_wheel()).compile(source, "sm_90")[:4] == b"\x7fELF"

    def test_that_is_none_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "libnvrtc.so").write_text("not a library")
        with pytest.raises(EngineError, match="NVRTC: "):
            Nvrtc(str(tmp_path / "libnvrtc.so"))

    def test_that_is_too_old_is_refused(self, host_library: Path) -> None:
        with pytest.raises(EngineError, match="too old, it has no nvrtcVersion"):
            Nvrtc(str(host_library))


class TestKernels:
    def test_are_unloaded_once(self, host_library: Path) -> None:
        library = ctypes.CDLL(str(host_library))
        before = library.loaded_modules()
        kernels = host_kernels(host_library)
        assert library.loaded_modules() == before + 1
        kernels.close()
        kernels.close()
        assert library.loaded_modules() == before
        with pytest.raises(GpuError, match="closed"):
            kernels.launch("cut", (1, 1), [], STREAM)

    def test_for_another_gpu_are_refused(self, host_library: Path) -> None:
        library = ctypes.CDLL(str(host_library))
        with pytest.raises(GpuError, match="image is invalid"):
            Kernels(CODE + b"?", library)

    def test_that_are_unknown_or_wrongly_launched_are_refused(self, host_library: Path) -> None:
        kernels = host_kernels(host_library)
        with pytest.raises(GpuError, match="cuModuleGetFunction: named symbol not found"):
            kernels.launch("crop", (1, 1), [], STREAM)
        with pytest.raises(GpuError, match="cuLaunchKernel: invalid argument"):
            kernels.launch("cut", (0, 1), [], STREAM)
        kernels.close()
