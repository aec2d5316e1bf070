"""A network's convolutions in INT8 for the CPU, by static quantisation with real crops.

The rest of a refiner, which draws poses and reads joints from maps, stays in FP32. Every
convolution is written between QuantizeLinear and DequantizeLinear nodes with weights per channel;
the run time joins them to integer kernels. Formats and calibration are those of ONNX Runtime
(https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html); the two halves of
its ``quantize_static`` are called one by one, so that many recipes share one calibration.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QDQQuantizer,
    QuantType,
    create_calibrator,
    quant_pre_process,
)

from steadypose.errors import ModelError

Feeds = Mapping[str, NDArray[Any]]
Part = Literal["first", "depthwise", "last"]
Method = Literal["MinMax", "Entropy", "Percentile"]

METHODS: tuple[Method, ...] = ("MinMax", "Entropy", "Percentile")

_ACTIVATIONS = ("Clip", "Relu")
_BETWEEN = ("Add", "Resize")
_PERCENTILE = 99.99


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is quantised.

    Attributes:
        method: How the range of a layer's outputs is chosen: ``MinMax`` takes all that was seen,
            ``Entropy`` and ``Percentile`` cut off what is rare.
        signed: Activations as int8 around 0 (S8S8), else as uint8 from a zero of their own (U8S8).
        narrow: Weights in 7 bits, for processors without VNNI, whose sums of U8S8 may overflow.
        joined: Also add and enlarge in INT8 what flows between convolutions.
        floating: Convolutions that stay in FP32, by name.
        called: What those are, for the table.
    """

    method: Method = "MinMax"
    signed: bool = False
    narrow: bool = False
    joined: bool = False
    floating: frozenset[str] = frozenset()
    called: str = "some"

    def __str__(self) -> str:
        """As the table shows it."""
        words = [self.method, "S8S8" if self.signed else "U8S8"]
        words += ["7-bit weights"] if self.narrow else []
        words += ["sums too"] if self.joined else []
        words += [f"{self.called} ({len(self.floating)}) in FP32"] if self.floating else []
        return ", ".join(words)


class Quantiser:
    """Quantises one network.

    Args:
        graph: The network in FP32, serialised.

    Attributes:
        convolutions: Names of all convolutions, in the order in which they run.

    Raises:
        ModelError: It has no convolutions.
    """

    def __init__(self, graph: bytes) -> None:
        self._model = simplified(graph)
        nodes = self._model.graph.node
        self.convolutions = tuple(node.name for node in nodes if node.op_type == "Conv")
        if not self.convolutions:
            raise ModelError("INT8: the network has no convolutions to quantise")
        self._before, self._after = _around(self._model.graph)

    def part(self, which: Part) -> frozenset[str]:
        """Convolutions that see no other one's output, have a channel a filter, or come last."""
        if which == "depthwise":
            return frozenset(n.name for n in self._model.graph.node if _is_depthwise(n))
        around = self._before if which == "first" else self._after
        return frozenset(name for name in self.convolutions if name not in around)

    def groups(self, depth: int = 2) -> dict[str, frozenset[str]]:
        """Convolutions by the first ``depth`` steps of their names' paths, in their order."""
        found: dict[str, set[str]] = {}
        for name in self.convolutions:
            path = name.strip("/").split("/")[:-1] or [name]
            found.setdefault("/".join(path[:depth]), set()).add(name)
        return {group: frozenset(names) for group, names in found.items()}

    def calibrate(self, method: Method, batches: Sequence[Feeds]) -> Any:
        """The range of every layer's outputs, for ``quantise``.

        Args:
            method: See ``Recipe``.
            batches: Real inputs of the network, all of one shape.
        """
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            path = Path(folder) / "whole.onnx"
            onnx.save(self._model, path)
            calibrator = create_calibrator(
                path,
                ["Conv", *_ACTIVATIONS, *_BETWEEN],
                augmented_model_path=str(Path(folder) / "watched.onnx"),
                calibrate_method=CalibrationMethod[method],
                extra_options={"percentile": _PERCENTILE} if method == "Percentile" else {},
            )
            for batch in batches:  # one by one: every layer's output of all takes gigabytes
                calibrator.collect_data(_Reader(batch))
            return calibrator.compute_data()

    def quantise(self, recipe: Recipe, ranges: Any) -> bytes:
        """The network in INT8, serialised; ``ranges`` are those of the recipe's method.

        Raises:
            ModelError: No convolution is to be quantised.
        """
        quantiser = QDQQuantizer(
            onnx.ModelProto.FromString(self._model.SerializeToString()),
            per_channel=True,
            reduce_range=recipe.narrow,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QInt8 if recipe.signed else QuantType.QUInt8,
            tensors_range=ranges,
            nodes_to_quantize=self._chosen(recipe),
            nodes_to_exclude=[],
            op_types_to_quantize=["Conv", *_ACTIVATIONS, *_BETWEEN],
            extra_options={"ActivationSymmetric": recipe.signed},
        )
        quantiser.quantize_model()
        return bytes(quantiser.model.model.SerializeToString())

    def _chosen(self, recipe: Recipe) -> list[str]:
        """Names of all nodes to quantise."""
        kinds = _ACTIVATIONS + (_BETWEEN if recipe.joined else ())
        names = [name for name in self.convolutions if name not in recipe.floating]
        if not names:
            raise ModelError("INT8: every convolution is to stay in FP32")
        inner = self._before & self._after
        names += [n.name for n in self._model.graph.node if n.op_type in kinds and n.name in inner]
        return names


def simplified(graph: bytes) -> onnx.ModelProto:
    """A network with constants folded, shapes noted and a name for every node."""
    with tempfile.TemporaryDirectory() as folder:
        path, simple = Path(folder) / "whole.onnx", Path(folder) / "simple.onnx"
        path.write_bytes(graph)
        quant_pre_process(str(path), str(simple), skip_symbolic_shape=True)
        model = onnx.load(simple)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    return model


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands out one batch."""

    def __init__(self, batch: Feeds) -> None:
        self._left = [dict(batch)]

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The batch; None from then on."""
        return self._left.pop() if self._left else None


def _around(graph: GraphProto) -> tuple[frozenset[str], frozenset[str]]:
    """Names of the nodes that have a convolution before them, and of those that have one after."""
    nodes = list(graph.node)
    return _reached(nodes, lambda n: n.input, lambda n: n.output), _reached(
        nodes[::-1], lambda n: n.output, lambda n: n.input
    )


def _reached(
    nodes: Sequence[NodeProto],
    near: Callable[[NodeProto], Sequence[str]],
    far: Callable[[NodeProto], Sequence[str]],
) -> frozenset[str]:
    """Nodes, in topological order, that a convolution reaches by the tensors between them."""
    wet: set[str] = set()
    found = set()
    for node in nodes:
        reached = any(name in wet for name in near(node))
        if reached:
            found.add(node.name)
        if reached or node.op_type == "Conv":
            wet.update(name for name in far(node) if name)
    return frozenset(found)


def _is_depthwise(node: NodeProto) -> bool:
    return node.op_type == "Conv" and any(a.name == "group" and a.i > 1 for a in node.attribute)
