"""The distributions, built once from a copy of the tree."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSES = ("benchmarks", "configs", "engines", "stream", "trackers")
_SETUPTOOLS_NEEDED = 77


@dataclass(frozen=True, kw_only=True)
class Distributions:
    """What ``python -m build`` made: the sdist of the tree and the wheel of that sdist."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """Builds in a copy, so that no build folder appears beside the sources."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("steadypose", *HOUSES):
        shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    command = [sys.executable, "-m", "build", "--outdir", str(out)]
    if int(importlib.metadata.version("setuptools").split(".")[0]) >= _SETUPTOOLS_NEEDED:
        command.append("--no-isolation")
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return Distributions(wheel=next(out.glob("*.whl")), sdist=next(out.glob("*.tar.gz")))
