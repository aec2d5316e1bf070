"""From a network's file to a TensorRT engine that is shown to be what it is called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from steadypose.engines import zoo
from steadypose.engines.tensorrt.configure import (
    configure,
    keep_timings,
    network_flags,
    pin_full_precision,
)
from steadypose.engines.tensorrt.flavours import Flavour, numpy_type
from steadypose.engines.tensorrt.graph import prepare_graph
from steadypose.engines.tensorrt.halve import half_nodes
from steadypose.engines.tensorrt.logs import heard_errors, one_line
from steadypose.engines.tensorrt.precision import assert_half
from steadypose.engines.tensorrt.progress import attach_progress
from steadypose.engines.tensorrt.spec import BuildSpec
from steadypose.errors import EngineError

Report = Callable[[str, float | None], None]
"""Takes what is being done and how much of it is done, 0..1; None where that is not known."""

# Builders of one process share TensorRT's logger, so one build's errors are another's.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Built:
    """An engine just built.

    Attributes:
        plan: The serialised engine.
        facts: What it is, in what JSON can hold: ``flavour``, ``version``, ``typed`` ("strong" or
            "weak"), ``precision`` ("fp16" or "fp32"), ``profile`` (of the BuildSpec),
            ``onnx_sha256``, ``seconds``, ``bytes``, ``inputs`` and ``outputs`` (lists of ``name``,
            ``dtype`` and ``shape``, -1 where free), and ``evidence``, of ``assert_half``; None for
            FP32.
    """

    plan: bytes
    facts: dict[str, Any]


def build_engine(
    path: Path, spec: BuildSpec, flavour: Flavour, *, report: Report | None = None
) -> Built:
    """Build a network's engine.

    With a strongly typed network the FP16 is in the graph; the weakly typed one of TensorRT 8 gets
    the FP32 graph, leave to compute in FP16, and the decoder's layers pinned to FP32.

    Args:
        path: The ``.onnx`` file.
        spec: What to build for.
        flavour: The TensorRT to build with.
        report: Told of the progress, from whatever thread TensorRT works in. What it raises stops
            the build and is raised again here.

    Raises:
        ModelError: The file cannot be read.
        EngineError: TensorRT has no GPU to build on, does not take the network or the spec, or the
            engine is not FP16 though it was to be.
        OutputError: The timing cache cannot be read or written.
    """
    say = report or (lambda _what, _done: None)
    say(f"preparing {path.name}", None)
    if spec.half and not (flavour.strong or flavour.weak):
        raise EngineError(f"{flavour} knows no way to FP16; install another TensorRT")
    graph = prepare_graph(path, half=spec.half and flavour.strong)
    half_graph = graph if flavour.strong or not spec.half else prepare_graph(path, half=True)
    with _one_at_a_time, heard_errors() as errors:
        plan, facts, typed = _build(path, graph, half_graph, spec, flavour, say, errors)
        evidence = None
        if spec.half:
            say(f"checking {path.name}", None)
            layers = _inspected(plan, spec, flavour)
            evidence = assert_half(
                plan,
                half_graph,
                name=path.name,
                full_graph=prepare_graph(path, half=False),
                layers=layers,
                typed_half_layers=typed,
            )
    sha256 = zoo.file_sha256(path)
    return Built(plan=plan, facts={**facts, "onnx_sha256": sha256, "evidence": evidence})


def _build(
    path: Path,
    graph: bytes,
    half_graph: bytes,
    spec: BuildSpec,
    flavour: Flavour,
    say: Report,
    errors: list[str],
) -> tuple[bytes, dict[str, Any], int]:
    """The plan, most of its facts, and the number of layers that are typed FP16."""
    started = time.perf_counter()
    builder = _builder(flavour, errors)
    network = builder.create_network(network_flags(flavour))
    parser = _parse(network, graph, flavour, path.name)
    config = builder.create_builder_config()
    configure(config, spec, flavour)
    errors.clear()  # such as of times that another version kept: no reason why a build would fail
    if spec.half and not flavour.strong:
        pin_full_precision(network, config, flavour, half_nodes(onnx.load_from_string(half_graph)))
    profile = builder.create_optimization_profile()
    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    for tensor in inputs:
        shapes = spec.shapes(tensor.name, tuple(tensor.shape))
        if shapes is not None:
            profile.set_shape(tensor.name, *shapes)
    config.add_optimization_profile(profile)
    progress = attach_progress(config, flavour, say, f"building {path.name} ({spec.precision})")
    memory = builder.build_serialized_network(network, config)
    progress.finish()
    if memory is None:
        raise EngineError(f"{path.name}: {flavour} could not build it: {_first(errors)}")
    keep_timings(config, spec, flavour)
    plan = bytes(memory)
    outputs = [network.get_output(i) for i in range(network.num_outputs)]
    facts = {
        "flavour": flavour.name,
        "version": flavour.version,
        "typed": "strong" if flavour.strong else "weak",
        "precision": spec.precision,
        "profile": spec.profile,
        "seconds": round(time.perf_counter() - started, 3),
        "bytes": len(plan),
        "inputs": [_told(tensor) for tensor in inputs],
        "outputs": [_told(tensor) for tensor in outputs],
    }
    typed = _half_layers(network, flavour) if flavour.strong else 0
    # Each is used by those made after it.
    del inputs, outputs, profile, memory, parser, network, config, builder
    return plan, facts, typed


def _builder(flavour: Flavour, errors: list[str]) -> Any:
    """A builder.

    Raises:
        EngineError: TensorRT finds no GPU (TensorRT for RTX needs none), or is itself damaged: it
            checks its libraries by their digests.
    """
    try:
        builder = flavour.module.Builder(flavour.logger)
    except TypeError:  # how the bindings say that the library returned nothing
        builder = None
    if builder is None:
        why = _first(errors)
        if "Digest" in why:
            raise EngineError(
                f"{flavour} cannot build here: its files are damaged; install it anew ({why})"
            )
        raise EngineError(f"{flavour} cannot build here: no usable NVIDIA GPU or driver ({why})")
    return builder


def _parse(network: Any, graph: bytes, flavour: Flavour, name: str) -> Any:
    """The parser that has filled ``network``, which needs it while it is built."""
    parser = flavour.module.OnnxParser(network, flavour.logger)
    if parser.parse(graph):
        return parser
    error = parser.get_error(0) if parser.num_errors else None
    if error is None:
        raise EngineError(f"{name}: {flavour} cannot read the network, and does not say why")
    nodes, index = onnx.load_from_string(graph).graph.node, int(error.node())
    where = "the network"
    if 0 <= index < len(nodes):
        where = f"node '{nodes[index].name}' ({nodes[index].op_type})"
    code = str(error.code()).rpartition(".")[2].lower().replace("_", " ")
    raise EngineError(f"{name}: {flavour} cannot read {where}: {code}: {one_line(error.desc())}")


def _inspected(plan: bytes, spec: BuildSpec, flavour: Flavour) -> str | None:
    """What the engine inspector says of the layers, as JSON; None where no GPU can load a plan."""
    module = flavour.module
    try:
        runtime = module.Runtime(flavour.logger)
    except TypeError:  # as for the builder
        return None
    if spec.version_compatible:  # it brings code of the host with it, which was made here
        runtime.engine_host_code_allowed = True
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        return None
    inspector = engine.create_engine_inspector()
    told = str(inspector.get_engine_information(module.LayerInformationFormat.JSON))
    del inspector, engine, runtime
    return told


def _half_layers(network: Any, flavour: Flavour) -> int:
    half = flavour.module.DataType.HALF
    layers = (network.get_layer(i) for i in range(network.num_layers))
    return sum(
        any(layer.get_output(k).dtype == half for k in range(layer.num_outputs)) for layer in layers
    )


def _told(tensor: Any) -> dict[str, Any]:
    dtype = numpy_type(tensor.dtype)
    return {
        "name": str(tensor.name),
        "dtype": tensor.dtype.name.lower() if dtype is None else dtype.name,
        "shape": [int(side) for side in tensor.shape],
    }


def _first(errors: list[str]) -> str:
    # What follows the first error is mostly its consequence.
    return errors[0] if errors else "it does not say why"
