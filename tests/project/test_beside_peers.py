"""The wheel in a fresh environment, beside packages of this field with similar names."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Protocol

import pytest

pytestmark = pytest.mark.packaging

PEERS = ("trackers", "supervision", "norfair")

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


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def environment(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and its peers, as a user's pip resolves them."""
    folder = tmp_path_factory.mktemp("peers")
    pip = (sys.executable, "-m", "pip")
    probe = run(*pip, "download", "-q", "--no-deps", "-d", "probe", "norfair", folder=folder)
    if probe.returncode != 0:
        pytest.skip("the package index cannot be reached")
    venv.create(folder / "venv", with_pip=True)
    pip = (str(folder / "venv" / "bin" / "python"), "-m", "pip")
    install = (*pip, "install", "-q", "--no-compile", str(distributions.wheel), *PEERS)
    done = run(*install, folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "venv"


def test_all_import_and_nothing_is_overwritten(environment: Path) -> None:
    python = str(environment / "bin" / "python")
    done = run(python, "-c", INSPECT, "steadypose", *PEERS, folder=environment)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    owners: dict[str, str] = {}
    for name, entry in report.items():
        assert Path(entry["from"]).is_relative_to(environment)
        assert entry["damaged"] == []
        for file in entry["files"]:
            assert file not in owners, f"{file} belongs to {name} and {owners[file]}"
            owners[file] = name


def test_doctor_runs(environment: Path) -> None:
    done = run(str(environment / "bin" / "steadypose"), "doctor", folder=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.strip()


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
