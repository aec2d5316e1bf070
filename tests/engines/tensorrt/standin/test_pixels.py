"""Pictures made on the device, with the real pycuda on the stand-in; see checks_pixels.py."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.engines.tensorrt.standin.conftest import StandIn

# Not imported: it changes what makes pictures, for a process of its own.
MODULE = Path(__file__).with_name("checks_pixels.py")
FUNCTIONS = [n for n in ast.parse(MODULE.read_text("utf-8")).body if isinstance(n, ast.FunctionDef)]


@pytest.mark.parametrize("check", [f.name for f in FUNCTIONS if f.name.startswith("check_")])
def test_check(standin: StandIn, host_library: Path, check: str) -> None:
    outcome = standin.run(MODULE.stem, check, HOST_KERNELS=str(host_library))
    assert outcome.code == 0, outcome.text
    assert not outcome.text, outcome.text
