"""The set-up script picks an interpreter or says in one line what is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASH = shutil.which("bash") or pytest.skip("no bash", allow_module_level=True)


def fake_python(folder: Path, name: str, *, new_enough: bool, has_ensurepip: bool) -> None:
    """An interpreter as the script sees it: it answers the two questions and nothing else."""
    folder.mkdir(exist_ok=True)
    script = folder / name
    script.write_text(
        "#!/bin/sh\n"
        'case "$2" in\n'
        f"*ensurepip*) exit {int(not has_ensurepip)} ;;\n"
        f"*sys.exit*) exit {int(not new_enough)} ;;\n"
        '*print*) echo "3.11" ;;\n'
        f'*) [ "$2" = venv ] && exec "{sys.executable}" -m venv --without-pip "$3" ;;\n'
        "esac\n"
    )
    script.chmod(0o755)


def make_venv(root: Path, where: Path, path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    for tool in ("rm", "env"):
        link = path / tool
        if not link.exists():
            link.symlink_to(shutil.which(tool) or "")
    return subprocess.run(
        [BASH, str(root / "scripts" / "make_venv.sh"), str(where), *more],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_newest_that_works_is_taken(tmp_path: Path, root: Path) -> None:
    tools = tmp_path / "tools"
    fake_python(tools, "python3.13", new_enough=False, has_ensurepip=False)
    fake_python(tools, "python3.12", new_enough=True, has_ensurepip=False)
    fake_python(tools, "python3", new_enough=True, has_ensurepip=True)
    where = tmp_path / "with space" / ".venv"
    where.parent.mkdir()
    done = make_venv(root, where, tools)
    assert done.returncode == 0, done.stderr
    assert (where / "bin" / "python").exists()


@pytest.mark.parametrize(
    ("pythons", "more", "said"),
    [
        ([], (), "apt-get install -y python3 python3-venv"),
        ([("python3", False, True)], (), "no Python 3.10 or newer found"),
        ([("python3", True, False)], (), "apt-get install -y python3.11-venv"),
        ([("python3", True, True)], ("python9",), "PYTHON=python9 is not"),
    ],
    ids=["none", "too-old", "no-ensurepip", "wrong-wish"],
)
def test_one_line_says_what_is_missing(
    tmp_path: Path,
    root: Path,
    pythons: list[tuple[str, bool, bool]],
    more: tuple[str, ...],
    said: str,
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, new_enough, has_ensurepip in pythons:
        fake_python(tools, name, new_enough=new_enough, has_ensurepip=has_ensurepip)
    done = make_venv(root, tmp_path / ".venv", tools, *more)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("state", ["no-interpreter", "no-pip"])
def test_an_unusable_environment_is_named_and_kept(tmp_path: Path, root: Path, state: str) -> None:
    where = tmp_path / ".venv"
    if state == "no-interpreter":
        where.mkdir()
    else:
        command = [sys.executable, "-m", "venv", "--without-pip", str(where)]
        subprocess.run(command, check=True)
    (where / "mine.txt").touch()
    tools = tmp_path / "tools"
    tools.mkdir()
    done = make_venv(root, where, tools)
    assert done.returncode == 1
    assert f"remove {where}" in done.stderr
    assert (where / "mine.txt").exists()
