"""Networks as TensorRT engines in FP16: built, shown to be FP16, kept, run.

Importing this needs neither TensorRT nor a GPU; both are looked for when something asks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steadypose.engines.tensorrt.flavours import Flavour, find_flavour, installed_flavour
from steadypose.engines.tensorrt.spec import BuildSpec

if TYPE_CHECKING:
    from steadypose.engines.tensorrt.build import Built, build_engine

__all__ = [
    "BuildSpec",
    "Built",
    "Flavour",
    "build_engine",
    "find_flavour",
    "installed_flavour",
]


def __getattr__(name: str) -> Any:
    # Building needs onnx, which running a built engine does not wait for.
    if name in ("Built", "build_engine"):
        from steadypose.engines.tensorrt import build

        return getattr(build, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
