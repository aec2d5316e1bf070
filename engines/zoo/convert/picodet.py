"""PicoDet (Paddle) as a person detector in ONNX, at any input size.

PicoDet is anchor-free: on maps of stride 8, 16, 32 and 64 each cell gives class scores and, for
each side of the box, a distribution over eight distances (Generalized Focal Loss,
arXiv 2006.04388). The convolutions come from the Paddle program; the decoding is written anew for
the wanted size and for one class, and non-maximum suppression is left to the caller.

Input of the written model: ``image`` ``(N, H, W, 3)`` uint8 BGR.
Outputs: ``boxes`` ``(N, A, 4)`` x1 y1 x2 y2 in input pixels, ``scores`` ``(N, A)`` in 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steadypose.engines.zoo.convert.graph import FLOAT, Array, GraphBuilder
from steadypose.engines.zoo.convert.paddle import PaddleOp, PaddleProgram, read_paddle
from steadypose.errors import ModelError

# ImageNet statistics of the training pictures, in the BGR order of the input, 0..255.
MEAN_BGR = np.array([103.53, 116.28, 123.675])
STD_BGR = np.array([57.375, 57.12, 58.395])
STRIDES = (8, 16, 32, 64)
DISTANCES = 8
CLASSES = 80
PERSON = 0

_CONVOLUTIONS = ("conv2d", "depthwise_conv2d")
_SAME_IN_ONNX = {
    "hard_swish": "HardSwish",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "sqrt": "Sqrt",
    "elementwise_add": "Add",
    "elementwise_mul": "Mul",
}


def convert_picodet(members: Mapping[str, Path], *, height: int, width: int) -> bytes:
    """Write the model; ``members`` are the files ``pdmodel`` and ``pdiparams`` of PicoDet.

    ``height`` and ``width`` are the input size in pixels, multiples of 32.
    """
    if height % 32 or width % 32:
        raise ModelError(f"PicoDet: input size {height}x{width} is not in multiples of 32")
    program = read_paddle(members["pdmodel"].read_bytes(), members["pdiparams"].read_bytes())
    graph = GraphBuilder("picodet")
    image = graph.input("image", np.uint8, ["N", height, width, 3])
    planes = graph.node("Cast", graph.node("Transpose", image, perm=[0, 3, 1, 2]), to=FLOAT)
    # The division by the deviation goes into the first convolution's weights. The subtraction
    # cannot: that convolution pads with zeros after it.
    planes = graph.node("Sub", planes, graph.constant(MEAN_BGR.reshape(3, 1, 1), "mean"))
    levels = _Network(program, graph, planes).levels()
    anchors = _write_boxes(graph, levels, height, width)
    graph.output("boxes", np.float32, ["N", anchors, 4])
    graph.output("scores", np.float32, ["N", anchors])
    return graph.to_bytes()


@dataclass(frozen=True, kw_only=True)
class _Level:
    """Maps of one stride: person score ``(N, 1, h, w)``, distance logits ``(N, 32, h, w)``."""

    scores: str
    distances: str


class _Network:
    """Copies the part of the Paddle program that the heads' last maps need."""

    def __init__(self, program: PaddleProgram, graph: GraphBuilder, image: str) -> None:
        self._ops = program.ops
        self._weights = program.weights
        self._graph = graph
        self._makers = {
            name: op for op in program.ops for names in op.outputs.values() for name in names
        }
        self._made = {"image": image}

    def levels(self) -> list[_Level]:
        """The heads' maps, finest stride first.

        In the program a level's score is the root of a product of two sigmoids, and its distances
        are the only maps that are transposed.
        """
        scores = [op.output("Out") for op in self._ops if op.type == "sqrt"]
        distances = [op.input("X") for op in self._ops if op.type == "transpose2"]
        if not len(scores) == len(distances) == len(STRIDES):
            raise ModelError(
                f"PicoDet: expected {len(STRIDES)} levels, found {len(scores)} scores and "
                f"{len(distances)} distances"
            )
        return [
            _Level(scores=self._tensor(score), distances=self._tensor(distance))
            for score, distance in zip(scores, distances, strict=True)
        ]

    def _tensor(self, name: str) -> str:
        """ONNX name of the Paddle tensor, written first if need be (depth first)."""
        waiting = [name]
        while waiting:
            op = self._makers.get(waiting[-1])
            if op is None:
                raise ModelError(f"PicoDet: nothing makes the tensor '{waiting[-1]}'")
            missing = [x for x in self._sources(op) if x not in self._made]
            if missing:
                waiting += missing
                continue
            made = waiting.pop()
            if made not in self._made:
                self._made[made] = self._write(op)
        return self._made[name]

    def _folded(self, op: PaddleOp) -> PaddleOp | None:
        """The convolution that ``op`` completes with a normalisation or a bias, if it does."""
        bias = op.type == "elementwise_add" and op.input("Y") in self._weights
        if op.type != "batch_norm" and not bias:
            return None
        maker = self._makers[op.input("X")]
        if maker.type not in _CONVOLUTIONS:
            raise ModelError(f"PicoDet: '{op.type}' follows '{maker.type}', not a convolution")
        return maker

    def _sources(self, op: PaddleOp) -> list[str]:
        """Tensors that must be there before ``op`` is written."""
        op = self._folded(op) or op
        names = [op.input("Input")] if op.type in _CONVOLUTIONS else op.inputs["X"]
        return names + [x for x in op.inputs.get("Y", ()) if x not in self._weights]

    def _write(self, op: PaddleOp) -> str:
        convolution = self._folded(op)
        if convolution is not None:
            return self._convolution(convolution, *self._scale_and_bias(op))
        if op.type in _CONVOLUTIONS:
            return self._convolution(op, np.ones(1), np.zeros(1))
        inputs = [self._made[name] for name in self._sources(op)]
        return self._simple(op, inputs)

    def _simple(self, op: PaddleOp, inputs: list[str]) -> str:
        node, constant, settings = self._graph.node, self._graph.constant, op.attributes
        if op.type in _SAME_IN_ONNX:
            return node(_SAME_IN_ONNX[op.type], *inputs)
        if op.type == "hard_sigmoid":
            return node(
                "HardSigmoid",
                *inputs,
                alpha=float(settings["slope"]),
                beta=float(settings["offset"]),
            )
        if op.type == "scale" and settings["scale"] == 1 and settings["bias_after_scale"]:
            return node("Add", *inputs, constant(settings["bias"]))
        if op.type == "pool2d" and settings["adaptive"] and settings["pooling_type"] == "avg":
            return node("GlobalAveragePool", *inputs)
        if op.type == "concat" and settings["axis"] == 1:
            return node("Concat", *inputs, axis=1)
        if op.type == "nearest_interp_v2":
            return node(
                "Resize",
                *inputs,
                "",
                constant(np.array([1, 1, 2, 2], np.float32), "twice"),
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        raise ModelError(f"PicoDet: operation '{op.type}' is not known in this form")

    def _scale_and_bias(self, op: PaddleOp) -> tuple[Array, Array]:
        """What ``op`` does per channel to a convolution's output: factor and summand, float64."""
        if op.type == "elementwise_add":
            return np.ones(1), self._weights[op.input("Y")].astype(np.float64).ravel()
        mean, variance, scale, bias = (
            self._weights[op.input(x)].astype(np.float64)
            for x in ("Mean", "Variance", "Scale", "Bias")
        )
        factor = scale / np.sqrt(variance + op.attributes["epsilon"])
        return factor, bias - mean * factor

    def _convolution(self, op: PaddleOp, factor: Array, summand: Array) -> str:
        source = op.input("Input")
        weight = self._weights[op.input("Filter")].astype(np.float64)
        weight = weight * np.broadcast_to(factor, len(weight))[:, None, None, None]
        bias = np.broadcast_to(summand, len(weight))
        if source == "image":
            weight = weight[:, ::-1] / STD_BGR[:, None, None]  # RGB to BGR
        if len(weight) == CLASSES:  # only the class scores have so many channels
            weight, bias = weight[[PERSON]], bias[[PERSON]]
        pads = op.attributes["paddings"]
        return self._graph.node(
            "Conv",
            self._made[source],
            self._graph.constant(weight),
            self._graph.constant(bias),
            dilations=op.attributes["dilations"],
            group=int(op.attributes["groups"]),
            kernel_shape=list(weight.shape[2:]),
            pads=[*pads, *pads] if len(pads) == 2 else [pads[i] for i in (0, 2, 1, 3)],
            strides=op.attributes["strides"],
        )


def _write_boxes(graph: GraphBuilder, levels: list[_Level], height: int, width: int) -> int:
    """Append the decoding that makes ``boxes`` and ``scores``; returns the number of anchors."""
    graph.scope = "decode/"  # run times of half precision keep the coordinates' nodes in float32
    node, constant = graph.node, graph.constant
    scores = [node("Reshape", level.scores, constant([0, -1])) for level in levels]
    node("Concat", *scores, axis=1, name="scores")
    split = constant([0, 4, DISTANCES, -1])
    logits = [node("Reshape", level.distances, split) for level in levels]
    share = node("Softmax", node("Concat", *logits, axis=3), axis=2)
    bins = constant(np.arange(DISTANCES, dtype=np.float32).reshape(DISTANCES, 1))
    reach = node("ReduceSum", node("Mul", share, bins), constant([2]), keepdims=0)  # N, 4, A
    corners, steps = _anchors(height, width)
    sides = node("Add", node("Mul", reach, constant(steps)), constant(corners))
    node("Transpose", sides, perm=[0, 2, 1], name="boxes")
    return int(corners.shape[1])


def _anchors(height: int, width: int) -> tuple[Array, Array]:
    """Centres ``(4, A)`` of all cells as x y x y, and the signed stride ``(4, A)`` of each side."""
    centres, steps = [], []
    for stride in STRIDES:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns].reshape(2, -1) + 0.5
        centres.append(np.stack([x, y, x, y]) * stride)
        steps.append(np.multiply.outer([-1, -1, 1, 1], np.full(x.size, stride)))
    return np.concatenate(centres, 1), np.concatenate(steps, 1).astype(np.float64)
