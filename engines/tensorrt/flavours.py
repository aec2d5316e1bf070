"""Which TensorRT is at hand, and what its versions do differently.

TensorRT 8.6 takes FP32 graphs and may be told to compute in FP16 ("weakly typed"). TensorRT 10 can
also take each tensor's type from the graph ("strongly typed"), TensorRT 11 and TensorRT for RTX can
do nothing else. TensorRT for RTX builds without a GPU.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from steadypose.engines.runtimes.signs import MODULES, is_installed
from steadypose.engines.tensorrt.logs import logger_of, one_line
from steadypose.errors import ConfigError, EngineError

ENVIRONMENT = "STEADYPOSE_TENSORRT"
"""Names the module to take, where the first that can be imported is not wanted."""

_PACKAGES = {
    "tensorrt": ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"),
    "tensorrt_rtx": ("tensorrt-rtx-cu13", "tensorrt-rtx-cu12", "tensorrt-rtx"),
}
_TYPES = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT8": np.int8,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
    "UINT8": np.uint8,
}
_INSTALL = "pip install 'steadypose[tensorrt]'"


@dataclass(frozen=True, kw_only=True)
class Flavour:
    """An imported TensorRT.

    Attributes:
        name: ``"tensorrt"`` or ``"tensorrt_rtx"``.
        version: E.g. ``"10.3.0"``.
        module: The module itself.
        strong: Networks can take every tensor's type from the graph.
        weak: FP16 can be asked for by a flag, on an FP32 graph.
        explicit_batch: Networks must be made with ``EXPLICIT_BATCH``.
    """

    name: str
    version: str
    module: Any
    strong: bool
    weak: bool
    explicit_batch: bool

    @classmethod
    def of(cls, module: Any) -> Flavour:
        """What an imported module can do, read from the module itself."""
        name, creation = str(module.__name__), module.NetworkDefinitionCreationFlag
        told = str(module.__version__)
        # TensorRT 10 still knows the flag, and warns of it.
        old = name == "tensorrt" and _major(told) < 10
        return cls(
            name=name,
            version=told,
            module=module,
            strong=hasattr(creation, "STRONGLY_TYPED"),
            weak=hasattr(module.BuilderFlag, "FP16"),
            explicit_batch=old and hasattr(creation, "EXPLICIT_BATCH"),
        )

    @property
    def rtx(self) -> bool:
        """Whether this is TensorRT for RTX."""
        return self.name == "tensorrt_rtx"

    @property
    def major(self) -> int:
        """The version's first number."""
        return _major(self.version)

    @property
    def logger(self) -> Any:
        """The logger for this module's builders and runtimes; a process has but one."""
        return logger_of(self.module)

    @property
    def targets(self) -> tuple[str, ...]:
        """Compute capabilities that RTX can be told to build for, as ``"SM86"``; else none."""
        if not hasattr(self.module, "ComputeCapability"):
            return ()
        names = [n for n in self.module.ComputeCapability.__members__ if n.startswith("SM")]
        return tuple(sorted(names, key=lambda name: int(name[2:])))

    def runs_on(self, capability: tuple[int, int]) -> bool:
        """Whether engines run on a GPU of this compute capability, e.g. ``(9, 0)``.

        TensorRT for RTX names those it knows, without those of data centres; the others do not
        tell before they build.
        """
        return not self.targets or f"SM{capability[0]}{capability[1]}" in self.targets

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def find_flavour(module: str | None = None) -> Flavour:
    """Import a TensorRT.

    Args:
        module: One of ``signs.MODULES``; without it, the one that STEADYPOSE_TENSORRT names, else
            the first that can be imported.

    Raises:
        ConfigError: There is no such module.
        EngineError: None is installed, or none can be imported; one line that says why.
    """
    forced = module or os.environ.get(ENVIRONMENT)
    if forced and forced not in MODULES:
        source = "" if module else f"{ENVIRONMENT}: "
        raise ConfigError(f"{source}TensorRT module '{forced}': choose one of {', '.join(MODULES)}")
    failures = []
    for name in (forced,) if forced else MODULES:
        if not is_installed(name):
            continue
        try:
            return Flavour.of(importlib.import_module(name))
        # A module whose libraries are missing raises OSError, or what its own checks raise.
        except Exception as error:
            failures.append(f"{name} is installed but cannot be imported ({one_line(error, 200)})")
    if failures:
        raise EngineError("; ".join(failures) + f"; install it again: {_INSTALL}")
    raise EngineError(f"{forced or 'TensorRT'} is not installed: {_INSTALL}")


def numpy_type(of: Any) -> np.dtype[Any] | None:
    """The dtype of a member of TensorRT's ``DataType``; None where numpy has none."""
    known = _TYPES.get(of.name)
    return None if known is None else np.dtype(known)


def installed_flavour() -> tuple[str, str] | None:
    """Name and version of the TensorRT that ``find_flavour`` would try first. Imports nothing.

    The version is ``"unknown"`` where the module did not come as a package; None where there is no
    TensorRT.
    """
    forced = os.environ.get(ENVIRONMENT)
    for name in (forced,) if forced in MODULES else MODULES:
        if is_installed(name):
            return name, _package_version(name)
    return None


def _package_version(name: str) -> str:
    for package in _PACKAGES[name]:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "unknown"


def _major(told: str) -> int:
    return int(told.split(".")[0])
