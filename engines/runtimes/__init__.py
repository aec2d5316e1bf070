"""What runs a network: one interface, one back-end per file."""

from steadypose.engines.runtimes.base import Engine, Shapes, TensorSpec
from steadypose.engines.runtimes.select import (
    RUNTIMES,
    RuntimeOptions,
    load_engine,
    usable_runtimes,
)

__all__ = [
    "RUNTIMES",
    "Engine",
    "RuntimeOptions",
    "Shapes",
    "TensorSpec",
    "load_engine",
    "usable_runtimes",
]
