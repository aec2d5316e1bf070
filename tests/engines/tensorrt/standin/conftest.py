from __future__ import annotations

import importlib.util
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engines.tensorrt.standin.building import build

ROOT = Path(__file__).resolve().parents[4]
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Outcome:
    """How a check ended: exit code, what it printed, the stand-in's counters at the very end."""

    code: int
    text: str
    report: dict[str, int]


class StandIn:
    """Runs functions in processes that find the stand-in in place of libcuda."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count()
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(library.parent),
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }
        self._worker = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.engines.tensorrt.standin.worker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, module: str, function: str, **environment: str) -> Outcome:
        """Run one; the caller says what it expects."""
        number = next(self._numbers)
        output, report = (self._folder / f"{number}.{name}" for name in ("output", "report"))
        order = {
            "module": f"tests.engines.tensorrt.standin.{module}",
            "function": function,
            "environment": json.dumps({"STANDIN_REPORT": str(report), **environment}),
            "output": str(output),
        }
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps(order) + "\n")
        self._worker.stdin.flush()
        ready, _, _ = select.select([self._worker.stdout], [], [], TIMEOUT_S)
        if not ready:
            self._worker.kill()
            pytest.fail(f"{function} hangs:\n{output.read_text()}")
        code = int(self._worker.stdout.readline())
        lines = report.read_text().splitlines() if report.is_file() else []
        counts = {name: int(count) for name, count in map(str.split, lines)}
        return Outcome(code, output.read_text(), counts)

    def close(self) -> None:
        self._worker.communicate()


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The stand-in for libcuda, under the real pycuda."""
    if not all(map(shutil.which, ("gcc", "nm"))):
        pytest.skip("no gcc to build the stand-in for libcuda")
    # Importing pycuda would look for the driver.
    spec = importlib.util.find_spec("pycuda")
    if spec is None or spec.origin is None:
        pytest.skip("no pycuda: bash scripts/install_pycuda.sh .venv/bin/python")
    folder = tmp_path_factory.mktemp("standin")
    user = next(Path(spec.origin).parent.glob("_driver*.so"))
    running = StandIn(build(folder, user), folder)
    yield running
    running.close()
