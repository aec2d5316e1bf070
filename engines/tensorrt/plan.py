"""A built engine, loaded: what goes in and out, and the contexts it is run in.

What TensorRT 8.6, 10, 11 and TensorRT for RTX do differently here is known to this file alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from steadypose.engines.runtimes.base import TensorSpec
from steadypose.engines.tensorrt.cache import read_plan
from steadypose.engines.tensorrt.device import Gpu
from steadypose.engines.tensorrt.flavours import Flavour, numpy_type
from steadypose.engines.tensorrt.kernel_cache import KernelCache
from steadypose.engines.tensorrt.logs import heard_errors, one_line
from steadypose.engines.tensorrt.manifest import PORTABLE, Manifest
from steadypose.errors import EngineError


class Plan:
    """A loaded engine. Made and used while the GPU is active (``DeviceMemory.active``).

    Args:
        path: The engine's file.
        manifest: What it must be.
        gpu: What it is to run on.
        flavour: The TensorRT to run it with.
        graphs: Whether TensorRT for RTX replays what it runs as CUDA graphs.

    Attributes:
        inputs, outputs: Specifications by tensor name, in the network's order.
        limits: Least and largest shape of each input.
        activation_bytes: Device memory that a context works in.

    Raises:
        EngineError: Others may write to the file, it is not what its manifest says, the engine is
            for another GPU or TensorRT, or this one cannot load it; one line.
    """

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def __init__(
        self, path: Path, manifest: Manifest, gpu: Gpu, flavour: Flavour, *, graphs: bool = True
    ) -> None:
        self.path, self.flavour = path, flavour
        plan = read_plan(path, manifest)
        _assert_for(path, manifest, gpu, flavour)
        with heard_errors() as errors:
            self._runtime = self._start(manifest, errors)
            self._engine = self._load(plan, errors)
        self.inputs, self.outputs = self._specs()
        self.limits = {name: self._limits(spec) for name, spec in self.inputs.items()}
        self._kernels = KernelCache(path, self._engine) if flavour.rtx else None
        self._config = self._kernels.configure(flavour, graphs) if self._kernels else None

    @property
    def activation_bytes(self) -> int:
        """See the class."""
        engine = self._engine
        newer = hasattr(engine, "device_memory_size_v2")
        return int(engine.device_memory_size_v2 if newer else engine.device_memory_size)

    def context(self, activations: int) -> Any:
        """A new execution context, which works in the device memory at ``activations``.

        Contexts may share that memory as long as they do not run at the same time. A context is
        used by one thread at a time, and freed before the engine.

        Raises:
            EngineError: TensorRT cannot make it, as where the GPU's memory is full.
        """
        with heard_errors() as errors:
            context = self._new_context()
            if context is None:
                raise EngineError(f"{self.path}: {self.flavour} cannot start it: {last(errors)}")
        if hasattr(context, "set_device_memory"):
            context.set_device_memory(activations, self.activation_bytes)
        else:
            context.device_memory = activations
        return context

    def close(self) -> None:
        """Free it; all contexts must be freed before."""
        if self._kernels is not None:
            self._kernels.save()
        self._kernels = self._config = self._engine = self._runtime = None

    def _start(self, manifest: Manifest, errors: list[str]) -> Any:
        try:
            runtime = self.flavour.module.Runtime(self.flavour.logger)
        except TypeError:  # what the bindings make of a null pointer
            raise EngineError(f"{self.flavour} does not start: {last(errors)}") from None
        if manifest.key.shapes.version_compatible:
            # Such an engine brings its own run time, which is code of the host; the file is ours.
            runtime.engine_host_code_allowed = True
        return runtime

    def _load(self, plan: bytes, errors: list[str]) -> Any:
        if hasattr(self._runtime, "get_engine_validity"):
            self._assert_valid(plan)
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise EngineError(f"{self.path}: {self.flavour} cannot load it: {last(errors)}")
        return engine

    def _assert_valid(self, plan: bytes) -> None:
        """TensorRT for RTX says why it would refuse an engine."""
        module = self.flavour.module
        validity, found = self._runtime.get_engine_validity(plan)
        if validity != module.EngineValidity.INVALID:
            return
        reasons = module.EngineInvalidityDiagnostics.__members__.items()
        told = ", ".join(n.lower().replace("_", " ") for n, bit in reasons if int(bit) & int(found))
        raise EngineError(
            f"{self.path}: {self.flavour} cannot run it here: {told or 'no reason given'}"
        )

    def _specs(self) -> tuple[dict[str, TensorSpec], dict[str, TensorSpec]]:
        engine, module = self._engine, self.flavour.module
        inputs: dict[str, TensorSpec] = {}
        outputs: dict[str, TensorSpec] = {}
        for name in map(engine.get_tensor_name, range(engine.num_io_tensors)):
            of_type = engine.get_tensor_dtype(name)
            dtype = numpy_type(of_type)
            if dtype is None:
                raise EngineError(
                    f"{self.path}: tensor '{name}' is {of_type.name}, unknown to numpy"
                )
            if engine.get_tensor_location(name) != module.TensorLocation.DEVICE:
                raise EngineError(f"{self.path}: tensor '{name}' is a shape, not data")
            spec = TensorSpec(
                name=name,
                dtype=dtype,
                shape=tuple(d if d >= 0 else None for d in engine.get_tensor_shape(name)),
            )
            is_input = engine.get_tensor_mode(name) == module.TensorIOMode.INPUT
            (inputs if is_input else outputs)[name] = spec
        return inputs, outputs

    def _limits(self, spec: TensorSpec) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if None not in spec.shape:
            fixed = tuple(d for d in spec.shape if d is not None)
            return fixed, fixed
        least, _, largest = self._engine.get_tensor_profile_shape(spec.name, 0)
        return tuple(least), tuple(largest)

    def _new_context(self) -> Any:
        engine = self._engine
        if self._config is not None:
            return engine.create_execution_context(self._config)
        strategies = getattr(self.flavour.module, "ExecutionContextAllocationStrategy", None)
        if strategies is None:  # TensorRT 8
            return engine.create_execution_context_without_device_memory()
        return engine.create_execution_context(strategies.USER_MANAGED)


def last(errors: list[str]) -> str:
    """What TensorRT logged last, in one line."""
    return one_line(errors[-1]) if errors else "no reason given"


def _assert_for(path: Path, manifest: Manifest, gpu: Gpu, flavour: Flavour) -> None:
    key = manifest.key
    here = replace(
        key,
        flavour=flavour.name,
        version=flavour.version,
        capability=PORTABLE if key.capability == PORTABLE else gpu.architecture,
    )
    wrong = key.unlike(here)
    if wrong:
        raise EngineError(f"{path}: {wrong}; build it again")
