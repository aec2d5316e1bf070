"""Rules for what is kept in the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

MAX_BYTES = 3_000_000
MAX_WEIGHT_BYTES = 20_000_000
MAX_LINES = 350

_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("npmjs", "com"),
            ("deb", "debian", "org"),
        )
    )
)
_MACHINE_PATH = re.compile(r"(?<![\w.~:/-])/(work|root|opt/pypi|opt/wheels)/")


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[Path]:
    """Every tracked regular file; links are followed by their targets' own entries."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    paths = [root / name for name in names if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode()


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.name}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry(tracked: list[Path]) -> None:
    assert lines_with(_HOSTS, tracked) == []


def test_no_file_names_a_folder_of_one_machine(tracked: list[Path]) -> None:
    assert lines_with(_MACHINE_PATH, tracked) == []


def test_no_file_is_large(tracked: list[Path], root: Path) -> None:
    large = {path: path.stat().st_size for path in tracked if path.stat().st_size > MAX_BYTES}
    weights = root / "engines" / "refiner" / "weights"
    assert [path.name for path in large if path.parent != weights] == []
    assert max(large.values(), default=0) <= MAX_WEIGHT_BYTES


def test_no_python_file_is_long(tracked: list[Path]) -> None:
    sources = [path for path in tracked if path.suffix == ".py"]
    assert len(sources) > 20
    lengths = {path.name: len(path.read_text().splitlines()) for path in sources}
    assert {name: n for name, n in lengths.items() if n > MAX_LINES} == {}


@pytest.mark.parametrize(
    ("line", "flagged"),
    [
        ("open('" + "/root" + "/clip.mp4')", True),
        ("/work" + "/x", True),
        ("rtsp://camera" + "/work" + "/x", False),
        ("a ratio of work/home", False),
    ],
)
def test_the_pattern_for_machine_paths(line: str, flagged: bool) -> None:
    assert bool(_MACHINE_PATH.search(line)) is flagged


def test_the_houses_are_relative_links(root: Path) -> None:
    for house in ("benchmarks", "configs", "engines", "stream", "trackers"):
        link = root / "steadypose" / house
        assert link.is_symlink(), f"{link} is a copy: see core.symlinks in CONTRIBUTING.md"
        assert link.readlink().as_posix() == f"../{house}"
