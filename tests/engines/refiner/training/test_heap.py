"""Freed memory that is kept need not be cleared by the system again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
from steadypose.engines.refiner.training.heap import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    del_me = bytearray(48 << 20)
    del del_me
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc's allocator")
def test_a_block_taken_again_is_not_cleared_again() -> None:
    found = {
        how: int(subprocess.check_output([sys.executable, "-c", _FAULTS, how], text=True))
        for how in ("keep", "give back")
    }
    assert found["keep"] < found["give back"] / 10
