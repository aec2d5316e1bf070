"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Two test processes share the cores. Threads of torch that spin while they wait for one another
# would take each other's core: what takes 13 s then takes up to 160 s. Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# The same examples in every run: a failure is a change of the code, not of the weather.
settings.register_profile("steadypose", derandomize=True, deadline=None)
settings.load_profile("steadypose")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of development data; tests that use it skip where it is absent."""
    folder = Path(os.environ.get("STEADYPOSE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("development data absent: set STEADYPOSE_DATA to its folder")
    return folder
