"""Start a refiner's network from MoveNet, as the model zoo converts it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from steadypose.engines.refiner.backbone import Conv
from steadypose.engines.refiner.network import JOINTS, Head, Refiner
from steadypose.errors import ModelError

_MOVENET_JOINTS = 17
_HEADS = ("heat", "centre", "regression", "offset")
_CONVS_PER_HEAD = 3

_Weights = tuple[NDArray[np.float32], NDArray[np.float32]]


def start_from_movenet(model: Refiner, path: Path) -> None:
    """Copy the trunk and the heads for heat and offset of MoveNet into ``model``.

    Args:
        model: A new refiner: ``fast`` takes MoveNet Lightning, ``accurate`` Thunder.
        path: The converted model of the zoo (``steadypose models fetch movenet-thunder``).

    Raises:
        ModelError: The file is not MoveNet, or not the one that the variant is built like.
    """
    weights = _convolutions(path)
    trunk = list(model.trunk.convolutions())
    if len(weights) != len(trunk) + _CONVS_PER_HEAD * len(_HEADS):
        raise ModelError(f"{path}: not a MoveNet of the model zoo")
    for conv, pair in zip(trunk, weights, strict=False):
        _copy(conv, pair, path)
    rest = weights[len(trunk) :]
    heads = {n: rest[i * _CONVS_PER_HEAD :][:_CONVS_PER_HEAD] for i, n in enumerate(_HEADS)}
    # A joint's certainty starts as its heat.
    _start_head(model.heat, heads["heat"], copies=2, path=path)
    _start_head(model.offset, heads["offset"], copies=1, path=path)


def _convolutions(path: Path) -> list[_Weights]:
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf raises errors of its own
        raise ModelError(f"{path}: not a readable ONNX file: {error}") from error
    values = {i.name: i for i in graph.initializer}
    convs = [n for n in graph.node if n.op_type == "Conv"]
    if any(name not in values for n in convs for name in n.input[1:]):
        raise ModelError(f"{path}: not a MoveNet of the model zoo")
    return [_weights([numpy_helper.to_array(values[x]) for x in n.input[1:]]) for n in convs]


def _weights(arrays: list[NDArray[np.float32]]) -> _Weights:
    weight = np.asarray(arrays[0], np.float32)
    bias = arrays[1] if len(arrays) > 1 else np.zeros(len(weight))
    return weight, np.asarray(bias, np.float32)


def _copy(conv: Conv, pair: _Weights, path: Path) -> None:
    weight, bias = pair
    if tuple(conv.weight.shape) != weight.shape or conv.bias is None:
        raise ModelError(f"{path}: a convolution is {weight.shape}, not {tuple(conv.weight.shape)}")
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(weight.copy()))
        conv.bias.copy_(torch.from_numpy(bias.copy()))


def _start_head(head: Head, pairs: list[_Weights], copies: int, path: Path) -> None:
    """Copy a head; MoveNet's joints go to the first rows of each plane of joints."""
    _copy(head.filter, pairs[0], path)
    _copy(head.widen, pairs[1], path)
    weight, bias = pairs[2]
    planes = head.last.out_channels // JOINTS
    if len(weight) * copies != planes * _MOVENET_JOINTS or head.last.bias is None:
        raise ModelError(f"{path}: a head of {len(weight)} channels does not fit")
    with torch.no_grad():
        for plane in range(planes):
            into = slice(plane * JOINTS, plane * JOINTS + _MOVENET_JOINTS)
            start = 0 if copies > 1 else plane * _MOVENET_JOINTS
            rows = slice(start, start + _MOVENET_JOINTS)
            head.last.weight[into] = torch.from_numpy(weight[rows].copy())
            head.last.bias[into] = torch.from_numpy(bias[rows].copy())
