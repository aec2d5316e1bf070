"""What importing Steadypose needs and what it does not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BLOCKED = (
    "torch",
    "onnx2torch",
    "tensorrt",
    "pycuda",
    "ray",
    "aiohttp",
    "prometheus_client",
    "paho",
    "pyarrow",
    "fsspec",
    "matplotlib",
)

BLOCKER = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError("blocked for this test", name=name)

sys.meta_path.insert(0, Blocker())
"""

IMPORT_EVERYTHING = """
import importlib, json, pathlib, steadypose

root = pathlib.Path(steadypose.__file__).parent
seen = []
def visit(folder, package):
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and (entry / "__init__.py").exists():
            seen.append(f"{package}.{entry.name}")
            visit(entry, seen[-1])
        elif entry.suffix == ".py" and entry.stem != "__init__":
            seen.append(f"{package}.{entry.stem}")
visit(root, "steadypose")
without = []
for name in seen:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "aiohttp", "prometheus_client"):
            raise
        without.append(name)
print(json.dumps([seen, without]))
"""

NEED_TORCH = {
    "steadypose.engines.refiner": "backbone drawing export exported losses network starting",
    "steadypose.engines.refiner.training": (
        "average checkpoint finish loop machine optimiser pairs start tensors validate"
    ),
}
"""The modules that are torch code through and through; nothing imports them but on demand."""
NEED_SERVE = {"steadypose.stream.serve": "clients guard hub metrics routes run server"}
"""Likewise the web server's, which need the extra ``serve``."""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_every_module_imports_without_the_extras(root: Path) -> None:
    done = run(BLOCKER + IMPORT_EVERYTHING, root)
    assert done.returncode == 0, done.stderr
    seen, without = (set(names) for names in json.loads(done.stdout))
    needing = {**NEED_TORCH, **NEED_SERVE}
    expected = {f"{p}.{m}" for p, modules in needing.items() for m in modules.split()}
    assert without == expected
    for house in ("benchmarks", "configs", "engines", "stream", "trackers"):
        assert f"steadypose.{house}" in seen
    assert len(seen) > 20


@pytest.mark.parametrize("name", BLOCKED)
def test_the_blocker_blocks(root: Path, name: str) -> None:
    done = run(f"{BLOCKER}\nimport {name}", root)
    assert "blocked for this test" in done.stderr


def test_the_public_face_is_light(root: Path) -> None:
    done = run("import json, sys, steadypose; print(json.dumps(sorted(sys.modules)))", root)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    heavy = ("cv2", "av", "onnx", "onnxruntime", "scipy", "filterpy", "matplotlib")
    houses = ("stream", "engines", "trackers", "benchmarks", "configs")
    unwanted = (*heavy, *(f"steadypose.{house}" for house in houses))
    assert not [name for name in unwanted if name in loaded]


def test_every_public_name_resolves(root: Path) -> None:
    code = "import steadypose\nfor n in steadypose.__all__: getattr(steadypose, n)"
    done = run(code, root)
    assert done.returncode == 0, done.stderr


def test_an_unknown_public_name_is_an_attribute_error(root: Path) -> None:
    done = run("import steadypose; steadypose.no_such_name", root)
    assert "AttributeError" in done.stderr
    assert "no_such_name" in done.stderr
