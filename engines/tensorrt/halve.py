"""An FP32 network as FP16: what lies between its first and its last layer with weights.

What comes before (the picture's normalisation) and after (the decoding of maps to coordinates)
stays FP32, as do nodes whose names say that they decode, and operations whose sums or powers leave
FP16's range or precision. Inputs and outputs keep their types.

ONNX Runtime on a processor computes such a graph without rounding what flows through it, so it
cannot tell what FP16 costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from steadypose.errors import EngineError

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operations whose second input holds a network's weights."""
DECODER = "decode/"
"""Begins the names of nodes that stay FP32, as the zoo's converters write them."""

HALF_SUFFIX = "/half"
"""Ends the names of tensors in FP16, where there is one in FP32 too."""

_FULL, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_LEAST_COLUMNS = 4
# Those that neither sum over many values nor take powers.
_HALVED = frozenset(
    (
        *WEIGHTED,
        *("Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "DepthToSpace", "Div"),
        *("Elu", "Expand", "Flatten", "Gelu", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid"),
        *("HardSwish", "Identity", "LeakyRelu", "Max", "MaxPool", "Min", "Mish", "Mul", "Neg"),
        *("PRelu", "Pad", "Relu", "Reshape", "Resize", "Sigmoid", "Slice", "Softplus"),
        *("SpaceToDepth", "Split", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze"),
    )
)


def halve(model: ModelProto, name: str) -> int:
    """Turn the trunk of an FP32 network into FP16, in place.

    Args:
        model: The network, its constants no nodes (``constants_to_initializers``).
        name: What to call it in an error.

    Returns:
        Number of nodes that now compute in FP16.

    Raises:
        EngineError: A weight is too large for FP16.
    """
    types = tensor_types(model)
    chosen = _trunk(model.graph, types)
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    _Halving(model.graph, types, opset, name).rewrite(chosen)
    del model.graph.value_info[:]
    return len(chosen)


def half_nodes(model: ModelProto) -> frozenset[str]:
    """Names of the nodes that compute in FP16: all that take or give it, but conversions."""
    types = tensor_types(model)
    return frozenset(
        node.name
        for node in model.graph.node
        if node.op_type != "Cast"
        and any(types.get(x) == _HALF for x in (*node.input, *node.output))
    )


def tensor_types(model: ModelProto) -> dict[str, int]:
    """Element type of every tensor of the main graph whose type follows from the inputs."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    types = {t.name: t.data_type for t in inferred.initializer}
    for info in (*inferred.input, *inferred.value_info, *inferred.output):
        types[info.name] = info.type.tensor_type.elem_type
    return types


def weight_names(model: ModelProto) -> frozenset[str]:
    """Names of the initializers that layers with weights multiply by."""
    held = {t.name for t in model.graph.initializer}
    return frozenset(
        node.input[1]
        for node in model.graph.node
        if node.op_type in WEIGHTED and node.input[1] in held
    )


def constants_to_initializers(graph: GraphProto) -> None:
    """Move constants that are nodes to where weights are looked for, in place."""
    constants = [
        (node, node.attribute[0].t)
        for node in graph.node
        if node.op_type == "Constant" and node.attribute[0].name == "value"
    ]
    for node, tensor in constants:
        graph.initializer.add().CopyFrom(tensor)
        graph.initializer[-1].name = node.output[0]
        graph.node.remove(node)


def _trunk(graph: GraphProto, types: dict[str, int]) -> list[NodeProto]:
    """Nodes with weights and all that can be FP16 between them, in the graph's order."""
    nodes = [node for node in graph.node if not node.name.startswith(DECODER)]
    dims = {t.name: t.dims for t in graph.initializer}
    heavy = {node.output[0] for node in nodes if _has_weights(node, dims)}
    after: set[str] = set()  # tensors that depend on a layer with weights
    for node in nodes:
        if heavy.intersection(node.output) or after.intersection(_reads(node)):
            after.update(node.output)
    before: set[str] = set()  # tensors that a layer with weights depends on
    for node in reversed(nodes):
        if heavy.intersection(node.output) or before.intersection(node.output):
            before.update(x for x in _reads(node) if x)
    return [
        node
        for node in nodes
        if node.op_type in _HALVED
        and after.intersection(node.output)
        and (heavy | before).intersection(node.output)
        and all(types.get(x) == _FULL for x in node.output)
    ]


def _has_weights(node: NodeProto, dims: Mapping[str, Sequence[int]]) -> bool:
    """Whether a node is a layer with weights.

    A product with a matrix of few columns turns maps into coordinates: it belongs to a decoder.
    """
    if node.op_type not in WEIGHTED or node.input[1] not in dims:
        return False
    shape = dims[node.input[1]]
    return "Conv" in node.op_type or min(shape[-2:]) >= _LEAST_COLUMNS


def _reads(node: NodeProto) -> list[str]:
    """What a node reads, in the graphs inside it too."""
    inner = [a.g for a in node.attribute if a.HasField("g")]
    return [*node.input, *(x for graph in inner for n in graph.node for x in _reads(n))]


class _Halving:
    """Every tensor ``x`` can have a second form, ``x/half``, made by a Cast where it is needed."""

    def __init__(self, graph: GraphProto, types: dict[str, int], opset: int, name: str) -> None:
        self._graph, self._types, self._opset, self._name = graph, types, opset, name
        self._constants = {t.name: t for t in graph.initializer}
        self._made: set[str] = set()
        self._nodes: list[NodeProto] = []

    def rewrite(self, chosen: Sequence[NodeProto]) -> None:
        ours = {node.output[0] for node in chosen}
        wanted_full = {info.name for info in self._graph.output}
        for node in self._graph.node:
            halved = bool(node.output) and node.output[0] in ours
            wanted_full.update(self._kept_inputs(node) if halved else _reads(node))
        for node in list(self._graph.node):
            if not node.output or node.output[0] not in ours:
                self._nodes.append(node)
                continue
            kept = self._kept_inputs(node)
            node.input[:] = [x if x in kept else self._half(x) for x in node.input]
            full, node.output[:] = list(node.output), [x + HALF_SUFFIX for x in node.output]
            self._nodes.append(node)
            self._made.update(node.output)
            for x in full:
                if x in wanted_full:
                    self._cast(x + HALF_SUFFIX, x, _FULL)
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        unused = [t for t in self._constants.values() if t.name not in wanted_full]
        for tensor in unused:
            self._graph.initializer.remove(tensor)

    def _kept_inputs(self, node: NodeProto) -> set[str]:
        """Inputs that stay as they are: no FP32, or of an operand that must be FP32."""
        schema = onnx.defs.get_schema(node.op_type, self._opset, node.domain)
        able = {
            t.type_param_str
            for t in schema.type_constraints
            if "tensor(float16)" in t.allowed_type_strs
        }
        operands = list(schema.inputs)
        kept = {x for x in node.input if self._types.get(x) != _FULL}
        for i, x in enumerate(node.input):
            # The last operand may stand for any number of inputs.
            if operands[min(i, len(operands) - 1)].type_str not in able:
                kept.add(x)
        return kept

    def _half(self, tensor: str) -> str:
        """Name of the tensor's FP16 form, made now if need be."""
        name = tensor + HALF_SUFFIX
        if name in self._made:
            return name
        if tensor in self._constants:
            self._graph.initializer.append(self._rounded(self._constants[tensor], name))
            self._made.add(name)
        else:
            self._cast(tensor, name, _HALF)
        return name

    def _rounded(self, tensor: TensorProto, name: str) -> TensorProto:
        value = numpy_helper.to_array(tensor)
        largest = float(np.finfo(np.float16).max)
        # Bounds that mean "none" may be beyond it; they stay bounds that nothing reaches.
        if np.isfinite(value).all() and value.size > 1 and np.abs(value).max() > largest:
            raise EngineError(
                f"{self._name}: '{tensor.name}' holds values beyond FP16 ({largest:.0f}); "
                "build it in FP32"
            )
        return numpy_helper.from_array(value.clip(-largest, largest).astype(np.float16), name)

    def _cast(self, source: str, target: str, to: int) -> None:
        node = helper.make_node("Cast", [source], [target], name=f"cast/{target}", to=to)
        self._nodes.append(node)
        self._made.add(target)


def sizes_by_type(tensors: Iterable[TensorProto]) -> dict[int, int]:
    """Number of values by element type."""
    found: dict[int, int] = {}
    for tensor in tensors:
        found[tensor.data_type] = found.get(tensor.data_type, 0) + int(np.prod(tensor.dims))
    return found
