"""The wheel as a user has it: alone in a fresh environment, used from another folder."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import venv
from pathlib import Path
from typing import Protocol

import pytest

from steadypose.engines import zoo
from steadypose.errors import ModelError
from tests.media import write_clip

pytestmark = pytest.mark.packaging

MOST_MB = 680
"""What video, networks and assignment bring with them; see "Size" in docs/quick-start.md."""
NOT_NEEDED = ("sympy", "torch", "matplotlib", "pandas")


class Distributions(Protocol):
    wheel: Path


def run(*command: str | Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def environment(
    distributions: Distributions, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A virtual environment with the wheel, in the versions that are pinned."""
    folder = tmp_path_factory.mktemp("installed")
    probe = ("-m", "pip", "download", "-q", "--no-deps", "-d", "probe", "tqdm")
    if run(sys.executable, *probe, folder=folder).returncode != 0:
        pytest.skip("the package index cannot be reached")
    venv.create(folder / "venv", with_pip=True)
    pins = ("-c", root / "constraints.txt")
    pip = (folder / "venv" / "bin" / "python", "-m", "pip", "install", "-q", *pins)
    done = run(*pip, distributions.wheel, folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "venv"


def packages(environment: Path) -> Path:
    (folder,) = environment.glob("lib/python3*/site-packages")
    return folder


def test_the_size(environment: Path, root: Path) -> None:
    sizes = runpy.run_path(str(root / "scripts" / "footprint.py"))["sizes"](environment)
    assert {"numpy", "opencv-python", "av", "onnxruntime", "steadypose"} <= set(sizes)
    assert sum(sizes.values()) < MOST_MB * 1e6, sizes


def test_what_only_some_need_is_not_there(environment: Path) -> None:
    top = {path.name for path in packages(environment).iterdir()}
    expected = {"sympy"} if sys.version_info < (3, 11) else set()  # of its ONNX Runtime
    assert top & set(NOT_NEEDED) == expected


def test_doctor(environment: Path, tmp_path: Path) -> None:
    done = run(environment / "bin" / "steadypose", "doctor", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "refiner-fast ready" in done.stdout


def test_what_needs_an_extra_says_which(environment: Path, tmp_path: Path) -> None:
    steadypose = environment / "bin" / "steadypose"
    for arguments, extra in (
        (("serve", "0"), "serve"),
        (("export", "run", "-o", "x.onnx"), "train"),
    ):
        done = run(steadypose, *arguments, folder=tmp_path)
        assert done.returncode == 2, done.stdout + done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert f"steadypose[{extra}]" in done.stderr


def test_tracking_from_outside_the_checkout(environment: Path, tmp_path: Path) -> None:
    try:
        clip = zoo.locate("demo-clip")
        for name in zoo.DEFAULTS:
            zoo.locate(name)
    except ModelError as error:
        pytest.skip(str(error))
    options = ("-o", "results", "--config", "fast", "--refiner", "on", "--max-frames", "5")
    steadypose = environment / "bin" / "steadypose"
    done = run(steadypose, "track", clip, *options, "--quiet", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (summary,) = (tmp_path / "results").glob("*.summary.json")
    found = json.loads(summary.read_text())
    assert found["frames"] == 5
    assert found["tracks"] == 3


def test_models_are_named_where_they_are_missing(environment: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=3)
    empty = str(tmp_path / "cache")
    steadypose = environment / "bin" / "steadypose"
    done = run(steadypose, "track", "clip.mp4", folder=tmp_path, STEADYPOSE_CACHE=empty)
    assert done.returncode == 2
    assert "steadypose models fetch" in done.stderr
    assert len(done.stderr.splitlines()) == 1
