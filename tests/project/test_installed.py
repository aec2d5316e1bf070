"""The wheel as a user has it: alone in a fresh environment, and beside packages of this field."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from steadypose.engines import zoo
from steadypose.errors import ModelError
from tests.media import write_clip

pytestmark = pytest.mark.packaging

MOST_MB = 680
"""What video, networks and assignment bring with them; see "Size" in docs/quick-start.md."""
NOT_NEEDED = ("sympy", "torch", "matplotlib", "pandas")
PEERS = ("trackers", "supervision", "norfair")
"""Packages of this field with similar names."""

INSPECT = """
import base64, hashlib, importlib, importlib.metadata, json, sys
report = {}
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    files, damaged = [], []
    for file in importlib.metadata.files(name):
        files.append(str(file))
        if file.hash is not None:
            digest = hashlib.new(file.hash.mode, file.locate().read_bytes()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != file.hash.value:
                damaged.append(str(file))
    report[name] = {"from": module.__file__, "files": files, "damaged": damaged}
print(json.dumps(report))
"""


class Distributions(Protocol):
    wheel: Path


class Installed(NamedTuple):
    """An environment, and what was in it before anything else came."""

    folder: Path
    sizes: dict[str, int]
    top: set[str]


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
def installed(
    distributions: Distributions, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
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
    (top,) = (folder / "venv").glob("lib/python3*/site-packages")
    sizes = runpy.run_path(str(root / "scripts" / "footprint.py"))["sizes"](folder / "venv")
    return Installed(folder / "venv", sizes, {path.name for path in top.iterdir()})


@pytest.fixture(scope="module")
def environment(installed: Installed) -> Path:
    return installed.folder


@pytest.fixture(scope="module")
def shared(environment: Path) -> Path:
    """The same environment with the peers, as a user's pip adds them."""
    pip = (environment / "bin" / "python", "-m", "pip", "install", "-q", "--no-compile")
    done = run(*pip, *PEERS, folder=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return environment


def test_the_size(installed: Installed) -> None:
    sizes = installed.sizes
    assert {"numpy", "opencv-python", "av", "onnxruntime", "steadypose"} <= set(sizes)
    assert sum(sizes.values()) < MOST_MB * 1e6, sizes


def test_what_only_some_need_is_not_there(installed: Installed) -> None:
    expected = {"sympy"} if sys.version_info < (3, 11) else set()  # of its ONNX Runtime
    assert installed.top & set(NOT_NEEDED) == expected


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


def test_every_module_of_the_wheel_imports(environment: Path) -> None:
    code = (
        "import importlib, pkgutil, steadypose\n"
        "def fail(name): raise ImportError(name)\n"
        "for m in pkgutil.walk_packages(steadypose.__path__, 'steadypose.', fail):\n"
        "    try:\n"
        "        importlib.import_module(m.name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        needed = {'torch', 'aiohttp', 'prometheus_client'}\n"  # training, serving: extras
        "        if error.name not in needed: raise\n"
    )
    done = run(str(environment / "bin" / "python"), "-c", code, folder=environment)
    assert done.returncode == 0, done.stderr


def test_all_import_and_nothing_is_overwritten(shared: Path) -> None:
    python = str(shared / "bin" / "python")
    done = run(python, "-c", INSPECT, "steadypose", *PEERS, folder=shared)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    owners: dict[str, str] = {}
    for name, entry in report.items():
        assert Path(entry["from"]).is_relative_to(shared)
        assert entry["damaged"] == []
        for file in entry["files"]:
            assert file not in owners, f"{file} belongs to {name} and {owners[file]}"
            owners[file] = name


def test_doctor_beside_peers(shared: Path) -> None:
    done = run(shared / "bin" / "steadypose", "doctor", folder=shared)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.strip()
