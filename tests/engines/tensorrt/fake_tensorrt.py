"""A stand-in for TensorRT of any recorded version: it takes down what a builder is told.

Enumerations, and which attributes there are, come from enums.json, which was read from the real
bindings: whatever a version does not have cannot be asked of its stand-in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from steadypose.engines.tensorrt.halve import tensor_types

RECORD = Path(__file__).with_name("enums.json")
_TYPES = {
    TensorProto.FLOAT: "FLOAT",
    TensorProto.FLOAT16: "HALF",
    TensorProto.UINT8: "UINT8",
    TensorProto.INT32: "INT32",
    TensorProto.BOOL: "BOOL",
}
_KINDS = {"Conv": "CONVOLUTION", "MatMul": "MATRIX_MULTIPLY", "Gemm": "MATRIX_MULTIPLY"}


@cache
def record() -> dict[str, Any]:
    """What was recorded, by "module version"."""
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


class _Numbered(Enum):
    def __int__(self) -> int:
        return int(self.value)


class _Only:
    """Has the attributes of a recorded class, and no others can be set."""

    def __init__(self, allowed: list[str]) -> None:
        object.__setattr__(self, "allowed", allowed)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and name not in self.allowed:
            raise AttributeError(name)
        object.__setattr__(self, name, value)


class Config(_Only):
    """IBuilderConfig; ``told`` holds the calls."""

    def __init__(self, allowed: list[str], complain: Callable[[str], None]) -> None:
        super().__init__(allowed)
        self._complain = complain
        self._flags: set[str] = {"TF32"}
        self._told: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in self.allowed:
            raise AttributeError(name)

        def call(*arguments: Any) -> Any:
            self._told.setdefault(name, []).append(arguments)
            if arguments == (b"damaged",):
                return self._complain("the timing cache is damaged")
            if name == "create_timing_cache":
                return bytes(arguments[0])
            if name == "set_timing_cache":
                return b"foreign" not in arguments[0]
            return SimpleNamespace(serialize=lambda: b"timings")

        return call

    def set_flag(self, flag: Enum) -> None:
        self._flags.add(flag.name)

    def clear_flag(self, flag: Enum) -> None:
        self._flags.discard(flag.name)


class FakeTensorRt(ModuleType):
    """The stand-in.

    Args:
        key: A recorded "module version".
        gpu: Whether there is a GPU to build on and to load engines.
        refusal: What it says where there is none.
        builds_half: Whether engines are FP16 where that is asked for; a bad TensorRT's are not.
        inspector: JSON that its inspector gives.
    """

    def __init__(
        self,
        key: str,
        *,
        gpu: bool = True,
        refusal: str = "CUDA initialization failure\nwith error: 35",
        builds_half: bool = True,
        inspector: str = "{}",
    ) -> None:
        known = record()[key]
        super().__init__(known["module"])
        self.__version__ = known["version"]
        self._has, self._gpu, self._builds_half = known["has"], gpu, builds_half
        self._refusal = refusal
        self._inspector = inspector
        for name, members in known["enums"].items():
            setattr(self, name, _Numbered(name, members))
        self.ILogger = type("ILogger", (), {})
        self.ILogger.Severity = Enum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE")
        if "IProgressMonitor" in self._has["module"]:
            self.IProgressMonitor = type("IProgressMonitor", (), {})
        self.networks: list[Network] = []
        self.configs: list[Config] = []
        self.profiles: list[dict[str, Any]] = []
        self.runtimes: list[Any] = []

    def Builder(self, logger: Any) -> Builder:  # noqa: N802
        if not self._gpu:
            logger.log(self.ILogger.Severity.ERROR, self._refusal)
            raise TypeError("pybind11::init(): factory function returned nullptr")
        return Builder(self, logger)

    def OnnxParser(self, network: Network, _logger: Any) -> Parser:  # noqa: N802
        return Parser(network)

    def Runtime(self, _logger: Any) -> Any:  # noqa: N802
        inspector = SimpleNamespace(get_engine_information=lambda _form: self._inspector)
        engine = SimpleNamespace(create_engine_inspector=lambda: inspector)
        self.runtimes.append(
            SimpleNamespace(
                deserialize_cuda_engine=lambda _plan: engine, engine_host_code_allowed=False
            )
        )
        return self.runtimes[-1]


class Builder:
    def __init__(self, module: FakeTensorRt, logger: Any) -> None:
        self._module, self._logger = module, logger

    def create_network(self, flags: int) -> Network:
        self._module.networks.append(Network(self._module, flags))
        return self._module.networks[-1]

    def create_builder_config(self) -> Config:
        error = self._module.ILogger.Severity.ERROR
        self._module.configs.append(
            Config(self._module._has["IBuilderConfig"], lambda text: self._logger.log(error, text))
        )
        return self._module.configs[-1]

    def create_optimization_profile(self) -> Any:
        shapes: dict[str, Any] = {}
        self._module.profiles.append(shapes)
        return SimpleNamespace(set_shape=lambda name, *three: shapes.update({name: three}))

    def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
        monitor = config.__dict__.get("progress_monitor")
        if monitor is not None:
            monitor.phase_start("Building", None, 2)
            for step in range(2):
                if not monitor.step_complete("Building", step):
                    return None
            monitor.phase_finish("Building")
        if network.model.graph.name == "unbuildable":
            for text in ("no implementation\nfor node 7", "internal error"):
                self._logger.log(self._module.ILogger.Severity.ERROR, text)
            return None
        halved = network.strong or "FP16" in config._flags
        halved = halved and self._module._builds_half
        parts = [b"plan"]
        for tensor in network.model.graph.initializer:
            value = numpy_helper.to_array(tensor)
            if value.dtype in (np.float16, np.float32):
                kept = network.strong and value.dtype == np.float32
                value = value.astype(np.float16 if halved and not kept else np.float32)
            parts.append(value.tobytes())
        return b"".join(parts)


class Network:
    """INetworkDefinition; has one layer for each node of the graph."""

    def __init__(self, module: FakeTensorRt, flags: int) -> None:
        self.module, self.flags = module, flags
        creation = module.NetworkDefinitionCreationFlag
        strong = getattr(creation, "STRONGLY_TYPED", None)
        self.strong = strong is not None and bool(flags & 1 << int(strong))
        self.model = onnx.ModelProto()
        self.layers: list[Layer] = []

    def fill(self, model: onnx.ModelProto) -> None:
        self.model, types = model, tensor_types(model)
        self.layers = [Layer(self.module, node, types) for node in model.graph.node]

    @property
    def num_layers(self) -> int:
        return len(self.layers)

    def get_layer(self, index: int) -> Layer:
        return self.layers[index]

    @property
    def num_inputs(self) -> int:
        return len(self.model.graph.input)

    @property
    def num_outputs(self) -> int:
        return len(self.model.graph.output)

    def get_input(self, index: int) -> Any:
        return self._tensor(self.model.graph.input[index])

    def get_output(self, index: int) -> Any:
        return self._tensor(self.model.graph.output[index])

    def _tensor(self, info: onnx.ValueInfoProto) -> Any:
        kind = info.type.tensor_type
        shape = tuple(d.dim_value or -1 for d in kind.shape.dim)
        dtype = getattr(self.module.DataType, _TYPES[kind.elem_type])
        return SimpleNamespace(name=info.name, shape=shape, dtype=dtype)


class Layer(_Only):
    """ILayer."""

    def __init__(self, module: FakeTensorRt, node: onnx.NodeProto, types: dict[str, int]) -> None:
        super().__init__(module._has["ILayer"])
        # The numbers of 64 bits that some versions lack become others of 32.
        kinds = [
            getattr(module.DataType, _TYPES.get(types.get(x, 0), "INT32")) for x in node.output
        ]
        self._outputs, self._pinned = [SimpleNamespace(dtype=kind) for kind in kinds], False
        self.name, self.num_outputs = node.name, len(node.output)
        self.type = getattr(module.LayerType, _KINDS.get(node.op_type, "ELEMENTWISE"))

    def get_output(self, index: int) -> Any:
        return self._outputs[index]

    def set_output_type(self, index: int, _dtype: Enum) -> None:
        if "set_output_type" not in self.allowed:
            raise AttributeError("set_output_type")
        self._pinned = True


class Parser:
    """OnnxParser; does not know the operation "Det"."""

    def __init__(self, network: Network) -> None:
        self._network, self.num_errors = network, 0

    def parse(self, graph: bytes) -> bool:
        model = onnx.load_from_string(graph)
        operations = [node.op_type for node in model.graph.node]
        if "Det" in operations:
            self.num_errors, self._bad = 1, operations.index("Det")
            return False
        self._network.fill(model)
        return True

    def get_error(self, _index: int) -> Any:
        return SimpleNamespace(
            node=lambda: self._bad,
            code=lambda: "ErrorCode.UNSUPPORTED_NODE",
            desc=lambda: "no importer\nregistered",
        )
