"""The import arrows hold, and the contracts notice when one is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSES = ("benchmarks", "configs", "engines", "stream", "trackers")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(script), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def made_up(tmp_path: Path, root: Path) -> Path:
    """A tree with the same packages and core modules, all empty, under the same contracts."""
    shutil.copy(root / "pyproject.toml", tmp_path)
    package = tmp_path / "steadypose"
    for house in HOUSES:
        (package / house).mkdir(parents=True)
        (package / house / "__init__.py").touch()
    for module in (root / "steadypose").glob("*.py"):
        (package / module.name).touch()
    return tmp_path


def test_the_arrows_hold(root: Path) -> None:
    done = lint_imports(root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_an_empty_tree_keeps_the_contracts(made_up: Path) -> None:
    done = lint_imports(made_up)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("engines/run.py", "import steadypose.trackers"),
        ("trackers/run.py", "from steadypose.engines import anything"),
        ("engines/run.py", "from steadypose import stream"),
        ("trackers/run.py", "def later():\n    import steadypose.stream"),
        ("configs/run.py", "import steadypose.engines"),
        ("stream/run.py", "import steadypose.benchmarks"),
        ("geometry.py", "import steadypose.configs"),
        ("__init__.py", "from steadypose import trackers"),
        ("trackers/run.py", "import cv2"),
        ("poses.py", "import scipy"),
        ("stranger.py", ""),
    ],
    ids=lambda value: value.replace("\n", "") or "not-listed",
)
def test_a_broken_arrow_is_noticed(made_up: Path, module: str, line: str) -> None:
    (made_up / "steadypose" / module).write_text(line + "\n")
    done = lint_imports(made_up)
    assert done.returncode != 0, done.stdout
    assert "BROKEN" in done.stdout
