"""The kernels on the host: crops.cu compiled by g++, see ``host_kernels.cpp``."""

from __future__ import annotations

import ctypes
from pathlib import Path

from steadypose.engines.tensorrt.kernels import Kernels

CODE = b"host"
"""What the library takes for its cubin."""


def host_kernels(library: Path) -> Kernels:
    return Kernels(CODE, ctypes.CDLL(str(library)))
