"""A small network with PicoDet's operations, converted, run, and compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from steadypose.engines.zoo.convert import convert_picodet
from steadypose.errors import ModelError

MEAN_RGB = np.array([123.675, 116.28, 103.53])
STD_RGB = np.array([58.395, 57.12, 57.375])
STRIDES = (8, 16, 32, 64)
Convolve = Callable[..., np.ndarray]
Maps = dict[str, np.ndarray]


@dataclasses.dataclass
class Step:
    """One Paddle operation, and what it does in numpy."""

    kind: str
    inputs: dict[str, list[str]]
    outputs: dict[str, list[str]]
    attributes: dict[str, Any]
    compute: Callable[[Maps], np.ndarray]


class Network:
    """A random network; ``write`` makes its files, ``maps`` works it out in numpy."""

    def __init__(self, paddle: Any, conv2d: Convolve) -> None:
        self.paddle, self.conv2d = paddle, conv2d
        self.random = np.random.default_rng(0)
        self.weights: dict[str, np.ndarray] = {}
        self.steps: list[Step] = []
        x = self.norm(self.conv("image", 3, 8, 3, 2, False), 8)
        x = self.conv(self.unary("hard_swish", x), 8, 8, 3, 2, True)
        x = self.norm(x, 8)
        fine = self.squeeze(self.unary("relu", self.conv(x, 8, 8, 3, 2, False)))
        middle = self.norm(self.conv(fine, 8, 8, 3, 2, False), 8)
        coarse = self.conv(middle, 8, 8, 5, 2, True)
        coarsest = self.conv(coarse, 8, 8, 3, 2, False)
        fine = self.join(fine, middle)
        for level in (fine, middle, coarse, coarsest):
            self.head(level)

    def add(
        self,
        kind: str,
        inputs: dict[str, list[str]],
        compute: Callable[[Maps], np.ndarray],
        out: str = "Out",
        **attributes: Any,
    ) -> str:
        name = f"{kind}_{len(self.steps)}"
        self.steps.append(Step(kind, inputs, {out: [name]}, attributes, compute))
        return name

    def weight(self, *shape: int, low: float = -1.0) -> str:
        name = f"w_{len(self.weights)}"
        spread = np.sqrt(3 / np.prod(shape[1:])) if len(shape) > 1 else 1.0
        self.weights[name] = (self.random.uniform(low, 1, shape) * spread).astype(np.float32)
        return name

    def conv(self, x: str, ins: int, outs: int, size: int, stride: int, depthwise: bool) -> str:
        name = self.weight(outs, 1 if depthwise else ins, size, size)
        weight, pad = self.weights[name], size // 2
        return self.add(
            "depthwise_conv2d" if depthwise else "conv2d",
            {"Input": [x], "Filter": [name], "Bias": []},
            lambda made: self.conv2d(made[x], weight, stride, (pad, pad)),
            out="Output",
            strides=[stride, stride],
            paddings=[pad, pad],
            dilations=[1, 1],
            groups=ins if depthwise else 1,
        )

    def norm(self, x: str, channels: int) -> str:
        names = {key: self.weight(channels) for key in ("Mean", "Scale", "Bias")}
        names["Variance"] = self.weight(channels, low=0.2)
        mean, scale, bias, variance = (
            self.weights[name].reshape(-1, 1, 1).astype(np.float64) for name in names.values()
        )
        return self.add(
            "batch_norm",
            {"X": [x], **{key: [name] for key, name in names.items()}},
            lambda made: (made[x] - mean) / np.sqrt(variance + 1e-5) * scale + bias,
            out="Y",
            epsilon=1e-5,
        )

    def bias(self, x: str, channels: int) -> str:
        name = self.weight(channels)
        value = self.weights[name].reshape(-1, 1, 1)
        return self.add(
            "elementwise_add", {"X": [x], "Y": [name]}, lambda made: made[x] + value, axis=1
        )

    def unary(self, kind: str, x: str, **attributes: Any) -> str:
        functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "relu": lambda a: np.maximum(a, 0),
            "hard_swish": lambda a: a * np.clip(a + 3, 0, 6) / 6,
            "hard_sigmoid": lambda a: np.clip(a * 0.2 + 0.5, 0, 1),
            "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
            "sqrt": np.sqrt,
            "scale": lambda a: a + 1e-9,
            "pool2d": lambda a: a.mean((2, 3), keepdims=True),
            "nearest_interp_v2": lambda a: a.repeat(2, 2).repeat(2, 3),
            "transpose2": lambda a: a.transpose(0, 2, 3, 1),
        }
        return self.add(kind, {"X": [x]}, lambda made: functions[kind](made[x]), **attributes)

    def binary(self, kind: str, x: str, y: str) -> str:
        return self.add(kind, {"X": [x], "Y": [y]}, lambda made: made[x] * made[y], axis=-1)

    def squeeze(self, x: str) -> str:
        """Squeeze and excite, whose convolutions have a bias instead of a normalisation."""
        part = self.unary("pool2d", x, adaptive=True, pooling_type="avg")
        part = self.unary("relu", self.bias(self.conv(part, 8, 4, 1, 1, False), 4))
        part = self.bias(self.conv(part, 4, 8, 1, 1, False), 8)
        part = self.unary("hard_sigmoid", part, slope=0.2, offset=0.5)
        return self.binary("elementwise_mul", x, part)

    def join(self, fine: str, coarse: str) -> str:
        enlarged = self.unary("nearest_interp_v2", coarse, interp_method="nearest")
        both = self.add(
            "concat",
            {"X": [fine, enlarged]},
            lambda made: np.concatenate([made[fine], made[enlarged]], 1),
            axis=1,
        )
        return self.conv(both, 16, 8, 1, 1, False)

    def head(self, x: str) -> None:
        classes = self.unary("sigmoid", self.bias(self.conv(x, 8, 80, 1, 1, False), 80))
        quality = self.unary("sigmoid", self.norm(self.conv(x, 8, 1, 5, 1, False), 1))
        product = self.binary("elementwise_mul", classes, quality)
        product = self.unary("scale", product, scale=1.0, bias=1e-9, bias_after_scale=True)
        self.unary("sqrt", product)
        self.unary("transpose2", self.bias(self.conv(x, 8, 32, 1, 1, False), 32))

    def write(self, folder: Path) -> dict[str, Path]:
        feed = self.paddle.op("feed", {"X": ["feed"]}, {"Out": ["image"]}, {"col": 1})
        ops = [self.paddle.op(s.kind, s.inputs, s.outputs, s.attributes) for s in self.steps]
        program, weights = self.paddle.files([feed, *ops], self.weights)
        members = {"pdmodel": folder / "net.pdmodel", "pdiparams": folder / "net.pdiparams"}
        members["pdmodel"].write_bytes(program)
        members["pdiparams"].write_bytes(weights)
        return members

    def boxes(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes ``(N, A, 4)`` and scores ``(N, A)`` of BGR images, by the definition."""
        made: Maps = {"image": ((images[..., ::-1] - MEAN_RGB) / STD_RGB).transpose(0, 3, 1, 2)}
        for step in self.steps:
            made[next(iter(step.outputs.values()))[0]] = step.compute(made)
        scores = [made[name][:, 0] for name in made if name.startswith("sqrt")]
        logits = [made[name] for name in made if name.startswith("transpose2")]
        boxes = [decode(logit, stride) for logit, stride in zip(logits, STRIDES, strict=True)]
        count = len(images)
        flat = [score.reshape(count, -1) for score in scores]
        return np.concatenate(boxes, 1), np.concatenate(flat, 1)


def decode(logits: np.ndarray, stride: int) -> np.ndarray:
    """Boxes ``(N, h * w, 4)`` from distance logits ``(N, h, w, 32)``."""
    count, rows, columns, _channels = logits.shape
    parts = np.exp(logits.reshape(count, rows, columns, 4, 8))
    reach = (parts / parts.sum(-1, keepdims=True) * np.arange(8)).sum(-1) * stride
    y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
    centre = np.stack([x, y, x, y], -1) * stride
    return np.asarray((centre + reach * [-1, -1, 1, 1]).reshape(count, -1, 4))


@pytest.fixture(scope="module")
def network(paddle: Any, conv2d: Convolve) -> Network:
    return Network(paddle, conv2d)


@pytest.mark.parametrize(("height", "width"), [(64, 128), (96, 64), (32, 32)])
def test_finds_what_the_definition_finds(
    network: Network, tmp_path: Path, height: int, width: int
) -> None:
    graph = convert_picodet(network.write(tmp_path), height=height, width=width)
    session = onnxruntime.InferenceSession(graph)
    random = np.random.default_rng(height)
    images = random.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    boxes, scores = session.run(["boxes", "scores"], {"image": images})
    expected_boxes, expected_scores = network.boxes(images)
    np.testing.assert_allclose(boxes, expected_boxes, atol=2e-3)
    np.testing.assert_allclose(scores, expected_scores, atol=2e-5)
    assert session.get_inputs()[0].shape == ["N", height, width, 3]
    assert session.get_outputs()[0].shape == ["N", boxes.shape[1], 4]


def test_same_files_same_bytes(network: Network, tmp_path: Path) -> None:
    members = network.write(tmp_path)
    graphs = {convert_picodet(members, height=64, width=64) for _ in range(2)}
    assert len(graphs) == 1


@pytest.mark.parametrize(("height", "width"), [(416, 417), (400, 416), (0, 31)])
def test_sides_must_be_multiples_of_32(
    network: Network, tmp_path: Path, height: int, width: int
) -> None:
    with pytest.raises(ModelError, match="multiples of 32"):
        convert_picodet(network.write(tmp_path), height=height, width=width)


def _rename(old: str, new: str) -> Callable[[Network], object]:
    def change(network: Network) -> None:
        next(step for step in network.steps if step.kind == old).kind = new

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_rename("hard_swish", "tanh"), "operation 'tanh' is not known"),
        (_rename("sqrt", "relu"), "expected 4 levels, found 3 scores and 4 distances"),
        (_rename("conv2d", "relu"), "'batch_norm' follows 'relu', not a convolution"),
        (
            lambda n: n.steps[2].inputs.update(X=["nowhere"]),
            "nothing makes the tensor 'nowhere'",
        ),
        (
            lambda n: next(s for s in n.steps if s.kind == "pool2d").attributes.update(
                pooling_type="max"
            ),
            "operation 'pool2d' is not known in this form",
        ),
    ],
    ids=["operation", "levels", "normalisation", "hole", "form"],
)
def test_other_networks_are_refused(
    paddle: Any,
    conv2d: Convolve,
    tmp_path: Path,
    change: Callable[[Network], object],
    told: str,
) -> None:
    network = Network(paddle, conv2d)
    change(network)
    with pytest.raises(ModelError, match=told):
        convert_picodet(network.write(tmp_path), height=64, width=64)
