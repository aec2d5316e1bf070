"""A TensorRT whose engines compute on the stand-in's device memory.

Each version has the names and numbers of the real one, as far as they are recorded. A plan is JSON;
its kernels are Python functions that the stand-in calls when a stream's work is done, as often as
a graph that holds them is launched. What the real one leaves undefined is an error here:

- a graph that is launched after its context was changed or freed;
- a context that is recorded before it ran, or is run by two threads;
- addresses that are not aligned, or not all on the device.
"""

from __future__ import annotations

import ctypes
import enum
import json
from collections.abc import Callable, Sequence
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from tests.engines.tensorrt.standin.fake_parts import (
    RECORD,
    SEVERITIES,
    array_at,
    numpy_name,
    row_sums,
    spread_out,
)

_MISALIGNED, _GONE = 716, 709
_KERNEL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)

cuda = ctypes.CDLL(None)
"""The stand-in, once it is loaded."""

alive = {"runtimes": 0, "engines": 0, "contexts": 0}


def load_stand_in() -> None:
    """Find the stand-in's own functions."""
    global cuda
    cuda = ctypes.CDLL("libcuda.so.1")
    cuda.standin_count.restype = ctypes.c_long


def make_module(version: str) -> Any:
    """The module of a version, e.g. ``"tensorrt 8.6.1"``."""
    record = RECORD[version]
    module: Any = ModuleType(record["module"])
    module.__version__ = record["version"]
    numbers = {**record["enums"]}
    rtx, has = record["module"] == "tensorrt_rtx", record["has"]
    for name, members in numbers.items():
        setattr(module, name, enum.IntEnum(name, members))
    severity = enum.IntEnum("Severity", SEVERITIES)
    module.ILogger = type("ILogger", (), {"Severity": severity})
    module.Runtime = type("Runtime", (_Runtime,), {"module": module, "rtx": rtx, "has": has})
    if "get_engine_validity" in has["Runtime"]:
        module.Runtime.get_engine_validity = _get_engine_validity
    return module


def make_plan(version: str, inputs: Sequence[Any], outputs: Sequence[Any], **more: Any) -> bytes:
    """A plan.

    Args:
        version: What it is for.
        inputs: Name, type, shape, least and largest shape of each.
        outputs: Name, type and shape of each.
        more: ``activations``: bytes; ``contexts``: most that can be made; ``capability``;
            ``unrecordable``: it waits for its stream while it runs.
    """
    text = json.dumps({"version": version, "inputs": inputs, "outputs": outputs, **more})
    return b"fake plan " + text.encode()


class _Runtime:
    module: Any
    rtx: bool
    has: dict[str, list[str]]

    def __init__(self, logger: Any) -> None:
        self.logger = logger
        self.engine_host_code_allowed = False
        alive["runtimes"] += 1

    def __del__(self) -> None:
        alive["runtimes"] -= 1

    def error(self, text: str) -> None:
        self.logger.log(self.module.ILogger.Severity.ERROR, text)

    def deserialize_cuda_engine(self, plan: bytes) -> Any:
        if not cuda.standin_depth():
            return self.error("no CUDA context is current")
        why = _wrong(self, plan)
        if why:
            return self.error(f"{why}\nSerialization assertion failed")
        return _Engine(self, json.loads(plan[10:]))


def _wrong(runtime: _Runtime, plan: bytes) -> str:
    if not plan.startswith(b"fake plan "):
        return "magicTag: MALFORMED_ENGINE"
    version = f"{runtime.module.__name__} {runtime.module.__version__}"
    return "" if json.loads(plan[10:])["version"] == version else "the plan: VERSION_MISMATCH"


def _get_engine_validity(runtime: _Runtime, plan: bytes) -> tuple[Any, int]:
    why = _wrong(runtime, plan).partition(": ")[2]
    module = runtime.module
    if not why:
        return module.EngineValidity.VALID, 0
    return module.EngineValidity.INVALID, int(module.EngineInvalidityDiagnostics[why])


class _Engine:
    def __init__(self, runtime: _Runtime, plan: dict[str, Any]) -> None:
        self.runtime, self.plan, self.made = runtime, plan, 0
        self.tensors = {t[0]: t for t in plan["inputs"] + plan["outputs"]}
        self.num_io_tensors = len(self.tensors)
        nbytes = plan.get("activations", 512)
        self.nbytes = nbytes
        has = runtime.has["ICudaEngine"]
        for name in ("device_memory_size", "device_memory_size_v2"):
            if name in has:
                setattr(self, name, nbytes)
        alive["engines"] += 1

    def __del__(self) -> None:
        alive["engines"] -= 1

    def __getattr__(self, name: str) -> Any:
        without_memory = "create_execution_context_without_device_memory"
        if name == without_memory and name in self.runtime.has["ICudaEngine"]:
            return self._context
        raise AttributeError(name)

    def get_tensor_name(self, index: int) -> str:
        return list(self.tensors)[index]

    def get_tensor_dtype(self, name: str) -> Any:
        return self.runtime.module.DataType[self.tensors[name][1]]

    def get_tensor_location(self, name: str) -> Any:
        return self.runtime.module.TensorLocation(self.plan.get("location", {}).get(name, 0))

    def get_tensor_mode(self, name: str) -> Any:
        is_input = any(t[0] == name for t in self.plan["inputs"])
        return self.runtime.module.TensorIOMode["INPUT" if is_input else "OUTPUT"]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.tensors[name][2])

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        assert profile == 0
        _, _, _, least, largest = self.tensors[name]
        return [tuple(least), tuple(largest), tuple(largest)]

    def create_execution_context(self, how: Any) -> Any:
        strategies = self.runtime.module.ExecutionContextAllocationStrategy
        strategy = how.strategy if self.runtime.rtx else how
        assert strategy == strategies.USER_MANAGED
        return self._context(how if self.runtime.rtx else None)

    def create_runtime_config(self) -> _RuntimeConfig:
        assert self.runtime.rtx
        return _RuntimeConfig()

    def _context(self, config: Any = None) -> Any:
        self.made += 1
        if self.made > self.plan.get("contexts", 1000) or not cuda.standin_depth():
            return self.runtime.error("createExecutionContext: out of memory")
        sized = "set_device_memory" in self.runtime.has["IExecutionContext"]
        return (_NewContext if sized else _Context)(self, config)


class _RuntimeConfig:
    def __init__(self) -> None:
        self.strategy: Any = None
        self.cuda_graph_strategy: Any = None
        self.cache: Any = None

    def set_execution_context_allocation_strategy(self, strategy: Any) -> None:
        self.strategy = strategy

    def create_runtime_cache(self) -> _RuntimeCache:
        return _RuntimeCache()

    def set_runtime_cache(self, cache: Any) -> None:
        self.cache = cache


class _RuntimeCache:
    def __init__(self) -> None:
        self.shapes: set[str] = set()
        self.compiled = 0

    def deserialize(self, content: bytes) -> bool:
        if not content.startswith(b"kernels "):
            return False
        self.shapes |= set(json.loads(content[8:]))
        return True

    def serialize(self) -> bytes:
        return b"kernels " + json.dumps(sorted(self.shapes)).encode()

    def use(self, shapes: str) -> None:
        self.compiled += shapes not in self.shapes
        self.shapes.add(shapes)


class _Context:
    """Of TensorRT 8 and 10.0; later ones are given the memory by a method."""

    def __init__(self, engine: _Engine, config: Any) -> None:
        self.engine, self.config = engine, config
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}
        self.device_memory = 0
        # What its kernels look at; outlives the context, as recorded kernels do.
        self.state = {"changes": 0, "gone": 0}
        self.warm = False
        self.kept: list[Any] = []
        self.recorded: list[Any] = []
        alive["contexts"] += 1

    def __del__(self) -> None:
        alive["contexts"] -= 1
        self.state["gone"] = 1
        _undead.extend(self.recorded)

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        _, _, _, least, largest = self.engine.tensors[name]
        if not all(a <= b <= c for a, b, c in zip(least, shape, largest, strict=True)):
            self.engine.runtime.error(f"{name}: outside of the profile")
            return False
        self._change(self.shapes, name, tuple(shape))
        return True

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        if name in self.shapes:
            return self.shapes[name]
        of_inputs = [t for t in self.engine.plan["inputs"] if t[2][0] == -1]
        rows = self.shapes[of_inputs[0][0]][0] if of_inputs else 1
        shape = self.engine.tensors[name][2]
        return tuple(rows if i == 0 and d < 0 else d for i, d in enumerate(shape))

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._change(self.addresses, name, address)
        return True

    def execute_async_v3(self, stream: int) -> bool:
        handle, recording = ctypes.c_void_p(stream), cuda.standin_recording()
        wrong = self._wrong()
        if recording and not self.warm:
            wrong = "the first run sets kernels up and cannot be recorded"
        if self.engine.plan.get("unrecordable") and cuda.cuStreamSynchronize(handle):
            wrong = "operation not permitted when stream is capturing"
        if wrong:
            self.engine.runtime.error(wrong)
            return False
        if self.config is not None:
            self.config.cache.use(str(sorted(self.shapes.items())))
        keep = self.recorded if recording else self.kept
        if not recording:
            keep.clear()  # the stream is idle: what ran in it is done
        for work in self._kernels():
            kernel = _KERNEL(work)
            keep.append(kernel)
            if cuda.standin_launch(handle, kernel, None):
                self.engine.runtime.error("Cask convolution execution\nCuda failure")
                return False
        self.warm = True
        return True

    def _change(self, values: dict[str, Any], name: str, value: Any) -> None:
        if values.get(name) != value:
            self.state["changes"] += 1
            self.warm = False
        values[name] = value

    def _wrong(self) -> str:
        if not self.device_memory:
            return "no memory for activations"
        if not cuda.standin_on_device(ctypes.c_ulonglong(self.device_memory), self.engine.nbytes):
            return "the memory for activations is not on the device"
        for name, tensor in self.engine.tensors.items():
            if name not in self.addresses:
                return f"{name}: no address"
            if self.addresses[name] % 256:
                return f"{name}: not aligned"
            nbytes = prod(self.get_tensor_shape(name)) * np.dtype(numpy_name(tensor[1])).itemsize
            address = ctypes.c_ulonglong(self.addresses[name])
            if not cuda.standin_on_device(address, ctypes.c_size_t(nbytes)):
                return f"{name}: not on the device"
        return ""

    def _kernels(self) -> list[Callable[[Any], int]]:
        """Sums of each row's inputs go to the activations, and from there to the outputs."""
        views = {name: self._view(name) for name in self.engine.tensors}
        inputs = [views[t[0]] for t in self.engine.plan["inputs"]]
        outputs = [views[t[0]] for t in self.engine.plan["outputs"]]
        rows = max(len(view) for view in outputs)
        between = array_at(self.device_memory, (rows,), np.dtype(np.float64))
        state, changes = self.state, self.state["changes"]

        def fits() -> int:
            if state["gone"]:
                return _GONE
            return 0 if state["changes"] == changes else _MISALIGNED

        def sums(_argument: Any) -> int:
            between[:] = sum(row_sums(view, rows) for view in inputs)
            return fits()

        def spread(_argument: Any) -> int:
            for output in outputs:
                output[:] = spread_out(between, output.shape, output.dtype)
            return fits()

        return [sums, spread]

    def _view(self, name: str) -> Any:
        dtype = np.dtype(numpy_name(self.engine.tensors[name][1]))
        return array_at(self.addresses[name], self.get_tensor_shape(name), dtype)


class _NewContext(_Context):
    def set_device_memory(self, address: int, nbytes: int) -> None:
        assert nbytes == self.engine.nbytes
        self.device_memory = address


_undead: list[Any] = []
