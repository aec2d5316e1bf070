"""In the development install mypy sees every source and pytest finds the tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSES = ("benchmarks", "configs", "engines", "stream", "trackers")


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.packaging
def test_mypy_checks_the_houses_through_the_links(root: Path) -> None:
    done = run("mypy", folder=root)
    assert done.returncode == 0, done.stdout
    match = re.search(r"no issues found in (\d+) source files", done.stdout)
    assert match
    expected = len(list((root / "steadypose").glob("*.py")))
    expected += sum(len(list((root / house).rglob("*.py"))) for house in HOUSES)
    # A folder without modules, such as that of the results, counts as one package.
    folders = [d for house in HOUSES for d in (root / house).rglob("[a-z]*") if d.is_dir()]
    expected += sum(not (folder / "__init__.py").exists() for folder in folders)
    assert int(match.group(1)) == expected


def test_pytest_finds_tests_from_any_folder(root: Path, tmp_path: Path) -> None:
    target = str(root / "tests" / "core")
    options = ("--collect-only", "-q", "-p", "no:cacheprovider", "--rootdir", str(root))
    done = run("pytest", *options, "-c", str(root / "pyproject.toml"), target, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ tests collected", done.stdout)


def test_the_package_is_the_checkout_from_any_folder(root: Path, tmp_path: Path) -> None:
    code = "import steadypose.stream as s; print(s.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).resolve() == (root / "stream" / "__init__.py").resolve()


def test_ruff_sees_each_file_once(root: Path) -> None:
    done = run("ruff", "check", "--show-files", folder=root)
    seen = [Path(line).relative_to(root) for line in done.stdout.splitlines()]
    assert len({root.joinpath(path).resolve() for path in seen}) == len(seen)
    houses = {path.parts[0] for path in seen}
    assert houses >= {*HOUSES, "steadypose", "tests"}
