"""What a builder is told: flags, limits, and which layers of a weakly typed network stay FP32."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from steadypose.engines.tensorrt.flavours import Flavour
from steadypose.engines.tensorrt.owned import make_folder, read_owned, write_owned
from steadypose.engines.tensorrt.spec import BuildSpec
from steadypose.errors import EngineError, OutputError

# TensorRT's own kernels. Up to version 9 it would else load cuBLAS and cuDNN: a gigabyte that
# convolutions do not need.
_OWN_TACTICS = ("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS")
_MAX_TIMINGS_BYTES = 1 << 28
_WITH_WEIGHTS = ("CONVOLUTION", "DECONVOLUTION", "FULLY_CONNECTED", "MATRIX_MULTIPLY")


def network_flags(flavour: Flavour) -> int:
    """Bits for ``create_network``: strongly typed wherever there is such a thing."""
    creation = flavour.module.NetworkDefinitionCreationFlag
    flags = 0
    if flavour.explicit_batch:
        flags |= 1 << int(creation.EXPLICIT_BATCH)
    if flavour.strong:
        flags |= 1 << int(creation.STRONGLY_TYPED)
    return flags


def configure(config: Any, spec: BuildSpec, flavour: Flavour) -> None:
    """Set all that the spec asks for but profiles and precision.

    Raises:
        EngineError: This TensorRT does not have what is asked for.
        OutputError: The timing cache cannot be read.
    """
    module = flavour.module
    if spec.workspace_bytes is not None:
        config.set_memory_pool_limit(module.MemoryPoolType.WORKSPACE, spec.workspace_bytes)
    # So that the inspector tells the types of layers.
    config.profiling_verbosity = module.ProfilingVerbosity.DETAILED
    # What is to be FP32 keeps all of its 24 bits.
    config.clear_flag(module.BuilderFlag.TF32)
    if flavour.major < 10 and not flavour.rtx:
        sources = [int(getattr(module.TacticSource, name)) for name in _OWN_TACTICS]
        config.set_tactic_sources(sum(1 << source for source in sources))
    if flavour.major < 9 and not flavour.rtx:
        # A shape's recorded work has a context of its own, beside the one for all shapes. Later
        # versions let contexts share a profile without being asked.
        sharing = _member(flavour, "PreviewFeature", "PROFILE_SHARING_0806")
        config.set_preview_feature(sharing, True)
    if spec.version_compatible:
        _refuse_on_rtx(flavour, "version_compatible")
        config.set_flag(_member(flavour, "BuilderFlag", "VERSION_COMPATIBLE"))
    if spec.optimisation_level is not None:
        _refuse_on_rtx(flavour, "optimisation_level")
        config.builder_optimization_level = spec.optimisation_level
    if spec.ampere_plus:
        _refuse_on_rtx(flavour, "ampere_plus")
        level = _member(flavour, "HardwareCompatibilityLevel", "AMPERE_PLUS")
        config.hardware_compatibility_level = level
    _target(config, spec, flavour)
    _use_timings(config, spec, flavour)


def pin_full_precision(
    network: Any, config: Any, flavour: Flavour, half_nodes: Iterable[str]
) -> None:
    """Let a weakly typed network compute in FP16, except what the FP16 graph keeps in FP32.

    A layer has its node's name; what the parser adds around it has none, and stays FP32 too.
    """
    module, free = flavour.module, frozenset(half_nodes)
    config.set_flag(module.BuilderFlag.FP16)
    config.set_flag(module.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
    kinds = module.LayerType
    exempt = [getattr(kinds, name) for name in _WITH_WEIGHTS if hasattr(kinds, name)]
    exempt += [kinds.CONSTANT, kinds.SHAPE]
    for i in range(network.num_layers):
        layer = network.get_layer(i)
        outputs = [layer.get_output(k) for k in range(layer.num_outputs)]
        floats = [k for k, tensor in enumerate(outputs) if tensor.dtype == module.DataType.FLOAT]
        if not floats or layer.type in exempt or layer.name in free:
            continue
        layer.precision = module.DataType.FLOAT
        for k in floats:
            layer.set_output_type(k, module.DataType.FLOAT)


def keep_timings(config: Any, spec: BuildSpec, flavour: Flavour) -> None:
    """Write the timings that a build has measured. Raises OutputError where that fails."""
    if spec.timing_cache is None or flavour.rtx:
        return
    path = spec.timing_cache
    try:
        make_folder(path.parent)
        write_owned(path, bytes(config.get_timing_cache().serialize()))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def _use_timings(config: Any, spec: BuildSpec, flavour: Flavour) -> None:
    if spec.timing_cache is None or flavour.rtx:
        return
    try:
        known = read_owned(spec.timing_cache, _MAX_TIMINGS_BYTES)
    except FileNotFoundError:
        known = b""
    except OSError as error:
        raise OutputError(f"{spec.timing_cache}: cannot be read: {error.strerror}") from error
    # Timings that are damaged, or of another version or GPU; measuring then starts anew.
    timings = config.create_timing_cache(known)
    if timings is None or not config.set_timing_cache(timings, False):
        config.set_timing_cache(config.create_timing_cache(b""), False)


def _target(config: Any, spec: BuildSpec, flavour: Flavour) -> None:
    if not spec.capabilities:
        return
    if not flavour.rtx:
        raise EngineError(f"capabilities: {flavour} builds for the GPU at hand; leave them out")
    unknown = [name for name in spec.capabilities if name not in flavour.targets]
    if unknown:
        known = ", ".join(flavour.targets)
        raise EngineError(f"capabilities: {flavour} has no '{unknown[0]}'; it has {known}")
    config.num_compute_capabilities = len(spec.capabilities)
    for i, name in enumerate(spec.capabilities):
        config.set_compute_capability(getattr(flavour.module.ComputeCapability, name), i)


def _refuse_on_rtx(flavour: Flavour, field: str) -> None:
    if flavour.rtx:
        raise EngineError(f"{field}: {flavour} has no such choice; leave it out")


def _member(flavour: Flavour, enum: str, name: str) -> Any:
    found = getattr(getattr(flavour.module, enum, None), name, None)
    if found is None:
        raise EngineError(f"{flavour} has no {enum}.{name}; leave it out or take another version")
    return found
