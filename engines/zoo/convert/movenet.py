"""MoveNet (TensorFlow.js) as a batched top-down pose estimator in ONNX.

MoveNet is a CenterNet: a MobileNetV2 with a feature pyramid whose stride-4 map feeds four heads.
Stock MoveNet decodes one person near the middle of a square picture (Thunder and Lightning), or six
in a whole picture (MultiPose, which has two more heads for boxes). Here its convolutions are kept,
for any batch and any size, and the decoding is replaced by one that is told the person's box; the
heads for boxes are left out.

Inputs of the written model:
    ``image``: ``(N, H, W, 3)`` uint8 BGR crops; H and W are multiples of 32.
    ``boxes``: ``(N, 2)`` float32, width and height in crop pixels of the person's box, whose
        centre is the centre of the crop.
Output: ``keypoints`` ``(N, 17, 3)`` float32: x, y in crop pixels, score in 0..1; COCO order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from steadypose.engines.zoo.convert.graph import FLOAT, GraphBuilder
from steadypose.engines.zoo.convert.movenet_decoder import KEYPOINTS, HeadMaps, write_decoder
from steadypose.engines.zoo.convert.tfjs import TfGraph, TfNode, read_tfjs
from steadypose.errors import ModelError

_SCOPE = "StatefulPartitionedCall/"
_NORMALISED = _SCOPE + "sub_1"
_SCALE = _SCOPE + "truediv"
_HEADS = ("kpt_heatmap_0", "center_0", "kpt_regress_0", "kpt_offset_0")
# The coordinate heads' channels are y0 x0 y1 x1 ... in the source.
_X_THEN_Y = np.r_[1 : 2 * KEYPOINTS : 2, 0 : 2 * KEYPOINTS : 2]


def convert_movenet(members: Mapping[str, Path]) -> bytes:
    """Write the model; ``members`` are the files ``json`` and ``bin`` of MoveNet."""
    source = read_tfjs(members["json"].read_bytes(), members["bin"].read_bytes())
    graph = GraphBuilder("movenet")
    image = graph.input("image", np.uint8, ["N", "H", "W", 3])
    boxes = graph.input("boxes", np.float32, ["N", 2])
    write_decoder(graph, HeadMaps(*_Network(source, graph).heads(image)), boxes)
    graph.output("keypoints", np.float32, ["N", KEYPOINTS, 3])
    return graph.to_bytes()


class _Network:
    """Copies the part of the TensorFlow graph between normalisation and heads, as NCHW."""

    def __init__(self, source: TfGraph, graph: GraphBuilder) -> None:
        self._source = source
        self._graph = graph
        self._made: dict[str, str] = {}
        self._coordinates: list[str] = []
        self._input_scale = float(source.weights[_SCALE].ravel()[0])

    def heads(self, image: str) -> list[str]:
        """Names of heat map, centre, regression and offset, all before any activation.

        ``(N, C, H/4, W/4)`` with C = 17, 1, 34, 34; the last two as 17 x then 17 y.
        """
        planes = self._graph.node("Transpose", image, perm=[0, 3, 1, 2])
        planes = self._graph.node("Cast", planes, to=FLOAT)
        # The network sees scale * pixel - 1. The subtraction must stay outside the first
        # convolution, whose zero padding follows it; the scale goes into that one's weights.
        mean = self._graph.constant(1 / self._input_scale, "input_mean")
        self._made[_NORMALISED] = self._graph.node("Sub", planes, mean)
        names = [self._head(scope) for scope in _HEADS]
        self._coordinates = names[2:]
        return [self._tensor(name) for name in names]

    def _head(self, scope: str) -> str:
        names = [
            name
            for name in self._source.nodes
            if name.startswith(f"{_SCOPE}{scope}/") and name.endswith("/BiasAdd")
        ]
        if len(names) != 1:
            raise ModelError(f"MoveNet: expected one output of head '{scope}', found {len(names)}")
        return names[0]

    def _tensor(self, name: str) -> str:
        """ONNX name of the TensorFlow tensor, written first if need be (depth first)."""
        waiting = [name]
        while waiting:
            node = self._source.nodes[waiting[-1]]
            missing = [x for x in self._sources(node) if x not in self._made]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            if node.name not in self._made:
                self._made[node.name] = self._write(node)
        return self._made[name]

    def _sources(self, node: TfNode) -> list[str]:
        """Tensors that must be there before ``node`` is written."""
        # The target size of a resize is replaced by a factor of two.
        names = node.inputs[:1] if node.op == "ResizeBilinear" else node.inputs
        return [name for name in names if name not in self._source.weights]

    def _write(self, node: TfNode) -> str:
        if node.op in ("FusedConv2D", "Conv2D"):
            return self._convolution(node, depthwise=False)
        if node.op in ("FusedDepthwiseConv2dNative", "DepthwiseConv2dNative"):
            return self._convolution(node, depthwise=True)
        if node.op == "AddV2":
            return self._graph.node("Add", *(self._made[x] for x in node.inputs))
        if node.op == "ResizeBilinear":
            return self._upsample(node)
        raise ModelError(f"MoveNet: operation '{node.op}' of node '{node.name}' is not known")

    def _convolution(self, node: TfNode, *, depthwise: bool) -> str:
        weight = self._source.weights[node.inputs[1]]
        groups = weight.shape[2] if depthwise else 1
        weight = weight.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
        if depthwise:  # channels, multiplier, ... to the form of a grouped convolution
            weight = weight.reshape(-1, 1, *weight.shape[2:])
        if node.inputs[0] == _NORMALISED:
            weight = weight[:, ::-1] * np.float32(self._input_scale)  # RGB to BGR
        fused = list(node.attributes.get("fused_ops", ()))
        inputs = [self._made[node.inputs[0]]]
        order = _X_THEN_Y if node.name in self._coordinates else slice(None)
        inputs.append(self._graph.constant(weight[order]))
        if "BiasAdd" in fused:
            inputs.append(self._graph.constant(self._source.weights[node.inputs[2]][order]))
            fused.remove("BiasAdd")
        strides = node.attributes["strides"][1:3]
        result = self._graph.node(
            "Conv",
            *inputs,
            group=groups,
            kernel_shape=list(weight.shape[2:]),
            pads=_padding(node, weight.shape[2:]),
            strides=strides,
        )
        return self._activation(result, fused)

    def _activation(self, tensor: str, names: Sequence[str]) -> str:
        for name in names:
            if name == "Relu6":
                low, high = self._graph.constant(0.0), self._graph.constant(6.0)
                tensor = self._graph.node("Clip", tensor, low, high)
            elif name == "Relu":
                tensor = self._graph.node("Relu", tensor)
            else:
                raise ModelError(f"MoveNet: activation '{name}' is not known")
        return tensor

    def _upsample(self, node: TfNode) -> str:
        if not node.attributes.get("half_pixel_centers"):
            raise ModelError(f"MoveNet: resize '{node.name}' without half-pixel centres")
        factors = self._graph.constant(np.array([1, 1, 2, 2], np.float32), "twice")
        return self._graph.node(
            "Resize",
            self._made[node.inputs[0]],
            "",
            factors,
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )


def _padding(node: TfNode, kernel: Sequence[int]) -> list[int]:
    """TensorFlow's SAME for inputs whose sides the stride divides, as ONNX begin and end pads."""
    if node.attributes["padding"] == "VALID":
        return [0, 0, 0, 0]
    total = [k - s for k, s in zip(kernel, node.attributes["strides"][1:3], strict=True)]
    begin = [max(t, 0) // 2 for t in total]
    end = [max(t, 0) - b for t, b in zip(total, begin, strict=True)]
    return [*begin, *end]
