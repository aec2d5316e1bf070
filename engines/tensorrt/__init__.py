"""Networks as TensorRT engines in FP16: built, shown to be FP16, kept, run.

Importing this needs neither TensorRT nor a GPU; both are looked for when something asks for them.
"""

from steadypose.engines.tensorrt.build import Built, build_engine
from steadypose.engines.tensorrt.flavours import Flavour, find_flavour, installed_flavour
from steadypose.engines.tensorrt.spec import BuildSpec

__all__ = [
    "BuildSpec",
    "Built",
    "Flavour",
    "build_engine",
    "find_flavour",
    "installed_flavour",
]
