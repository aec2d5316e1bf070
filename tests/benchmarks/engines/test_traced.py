"""Counting what CUPTI tells of, with a made-up CUPTI that tells of whatever it is given."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from steadypose.benchmarks.engines import traced
from steadypose.benchmarks.engines.traced import Cupti
from steadypose.errors import EngineError

LIBRARY = r"""
#include <stdint.h>
#include <string.h>
struct record { uint32_t kind; uint8_t copy, from, to, flags; uint64_t bytes; };
static void (*requested)(uint8_t **, size_t *, size_t *);
static void (*completed)(void *, uint32_t, uint8_t *, size_t, size_t);
static struct record held[8];
static int count, on;
int cuptiActivityRegisterCallbacks(void *r, void *c) { requested = r; completed = c; return 0; }
int cuptiActivityEnable(int kind) { on |= 1 << kind; return 0; }
int cuptiActivityDisable(int kind) { on &= ~(1 << kind); return kind == 10 && !count ? 7 : 0; }
void happens(uint32_t kind, uint8_t copy)
{
    if (on >> kind & 1) held[count++] = (struct record){kind, copy, 0, 0, 0, 1};
}
int cuptiActivityFlushAll(uint32_t flag)
{
    uint8_t *buffer;
    size_t size, most;
    requested(&buffer, &size, &most);
    if ((uintptr_t)buffer % 8 || size < sizeof held) return 1;
    memcpy(buffer, held, sizeof held);
    completed(0, 0, buffer, size, count * sizeof *held);
    return flag != 1;
}
int cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid, struct record **at)
{
    struct record *next = *at ? *at + 1 : (struct record *)buffer;
    if ((uint8_t *)next >= buffer + valid) return 12;
    *at = next;
    return 0;
}
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc")
    source, made = tmp_path / "cupti.c", tmp_path / "libcupti.so.12"
    source.write_text(LIBRARY)
    subprocess.run([gcc, "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    return made


def test_copies_and_kernels_are_counted_while_it_is_open(library: Path) -> None:
    cupti, gpu = Cupti(str(library)), ctypes.CDLL(str(library))
    gpu.happens(1, 1)  # before
    with cupti.counting() as found:
        for kind, copy in ((1, 1), (10, 0), (10, 0), (1, 2), (1, 8)):
            gpu.happens(kind, copy)
    gpu.happens(1, 1)  # after
    assert found == {"up": 1, "down": 1, "other copies": 1, "kernels": 2}


def test_what_cupti_refuses_is_said(library: Path) -> None:
    cupti = Cupti(str(library))
    with (
        pytest.raises(EngineError, match="cuptiActivityDisable failed with error 7"),
        cupti.counting(),
    ):
        pass


def test_without_the_library_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traced, "_paths", lambda: iter(["no-such-libcupti.so"]))
    monkeypatch.setattr(sys, "argv", ["traced", "refiner-fast"])
    assert traced.main() == 2
    assert capsys.readouterr().err == (
        "traced: there is no libcupti.so: pip install nvidia-cuda-cupti\n"
    )
