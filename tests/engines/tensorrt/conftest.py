from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from steadypose.engines.tensorrt.kernels import SOURCE
from tests.engines.tensorrt.shop import Shop

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def host_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernels' own source as a library of the host, behind the driver's names."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ to compile the kernels for the host")
    library = tmp_path_factory.mktemp("kernels") / "host_kernels.so"
    options = ["-std=c++17", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
    options += ["-shared", "-fPIC", "-include", str(HERE / "host_cuda.h")]
    options += [f'-DKERNELS="{SOURCE.resolve()}"', str(HERE / "host_kernels.cpp")]
    subprocess.run([compiler, *options, "-o", str(library)], check=True)
    return library


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "cache" / "engines")
