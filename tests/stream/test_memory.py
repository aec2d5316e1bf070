"""What becomes of freed pictures, in a process of its own: the setting holds for all of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys
import numpy as np
from steadypose.benchmarks.latency.memory import resident_mb
from steadypose.stream.memory import give_pictures_back

if sys.argv[1] == "told" and not give_pictures_back():
    sys.exit("cannot be told")
np.ones((1080, 1920, 3), np.uint8)  # freed at once: glibc takes the hint
held = []
for _ in range(20):  # every other one stays: no heap can shrink from its end
    held += [np.ones((720, 1280, 3), np.uint8), np.ones(100_000, np.uint8)]
full = resident_mb()
del held[::2]
print(full - resident_mb())
"""


def _given_back(how: str) -> float:
    """Of 55 MB of pictures that are freed, those that the system has again."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, how], capture_output=True, text=True, check=False
    )
    if done.stderr.strip() == "cannot be told":
        pytest.skip("this C library cannot be told")
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_freed_pictures_go_back_to_the_system() -> None:
    assert _given_back("untold") < 30
    assert _given_back("told") > 50
