"""A small network with MoveNet's names and operations, converted, run, and compared."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from steadypose.engines.zoo.convert import convert_movenet
from steadypose.errors import ModelError

SCOPE = "StatefulPartitionedCall/"
HEADS = {"kpt_heatmap_0": 17, "center_0": 1, "kpt_regress_0": 34, "kpt_offset_0": 34}
BOX_HEADS = {"box_scale_0": 2, "box_offset_0": 2}
SCALE = 1 / 127.5
Convolve = Callable[..., np.ndarray]


class Network:
    """The TensorFlow.js files of a random network, and its answer worked out in numpy.

    ``multi`` gives it what MultiPose has beyond the others: heads for boxes, and a resize whose
    size is worked out in the graph.
    """

    def __init__(self, conv2d: Convolve, seed: int = 0, *, multi: bool = False) -> None:
        self.conv2d = conv2d
        self.random = np.random.default_rng(seed)
        self.weights: dict[str, np.ndarray] = {}
        self.nodes: list[dict[str, Any]] = []
        self.steps: list[tuple[str, str, list[str], dict[str, Any]]] = []
        self.weights[SCOPE + "truediv"] = np.full((1, 1, 1, 3), SCALE, np.float32)
        self.node(SCOPE + "sub_1", "Sub", [])
        first = self.conv("first", SCOPE + "sub_1", (3, 3, 3, 6), 2, ["BiasAdd", "Relu6"])
        deep = self.conv("deep", first, (3, 3, 6, 1), 2, ["BiasAdd", "Relu6"])
        wide = self.conv("wide", deep, (1, 1, 6, 8), 1, ["BiasAdd"])
        low = self.conv("low", wide, (3, 3, 8, 1), 2, [])
        self.weights["size"] = np.array([1, 1], np.int32)
        size = self.twice_the_size_of(low) if multi else "size"
        self.node("up", "ResizeBilinear", [low, size], half_pixel_centers={"b": True})
        self.node("sum", "AddV2", ["up", wide])
        heads = HEADS | (BOX_HEADS if multi else {})
        for name, channels in heads.items():
            part = self.conv(f"{SCOPE}{name}/depth", "sum", (3, 3, 8, 1), 1, [])
            part = self.conv(f"{SCOPE}{name}/Relu", part, (1, 1, 8, 12), 1, ["BiasAdd", "Relu"])
            self.conv(f"{SCOPE}{name}/conv/BiasAdd", part, (1, 1, 12, channels), 1, ["BiasAdd"])

    def twice_the_size_of(self, source: str) -> str:
        self.weights["two"] = np.array([2, 2], np.int32)
        self.node("shape", "Shape", [source])
        self.node("sides", "StridedSlice", ["shape"])
        return self.node("twice", "Mul", ["sides", "two"])

    def node(self, name: str, op: str, inputs: list[str], **attributes: Any) -> str:
        self.nodes.append({"name": name, "op": op, "input": inputs, "attr": attributes})
        return name

    def conv(
        self, name: str, source: str, shape: tuple[int, ...], stride: int, fused: list[str]
    ) -> str:
        depthwise = shape[3] == 1 and shape[0] > 1
        op = ("_Fused" if fused else "") + ("DepthwiseConv2dNative" if depthwise else "Conv2D")
        op = op.replace("_FusedDepth", "FusedDepth")
        fan = shape[0] * shape[1] * (1 if depthwise else shape[2])
        # Small enough that no score is so near to 1 that float32 makes it equal to another.
        spread = self.random.normal(0, 0.7 / np.sqrt(fan), shape)
        self.weights[name + "/w"] = spread.astype(np.float32)
        inputs = [source, name + "/w"]
        if fused:
            channels = shape[2] if depthwise else shape[3]
            self.weights[name + "/b"] = self.random.normal(0, 1, channels).astype(np.float32)
            inputs.append(name + "/b")
        coded = [base64.b64encode(word.encode()).decode() for word in fused]
        padding = base64.b64encode(b"VALID" if shape[0] == 1 else b"SAME").decode()
        return self.node(
            name,
            op,
            inputs,
            strides={"list": {"i": ["1", str(stride), str(stride), "1"]}},
            padding={"s": padding},
            fused_ops={"list": {"s": coded}},
        )

    def write(self, folder: Path) -> dict[str, Path]:
        """The two files."""
        entries = [
            {"name": name, "shape": list(x.shape), "dtype": str(x.dtype)}
            for name, x in self.weights.items()
        ]
        constants = [{"name": name, "op": "Const"} for name in self.weights]
        model = {
            "modelTopology": {"node": self.nodes + constants},
            "weightsManifest": [{"paths": ["net.bin"], "weights": entries}],
        }
        members = {"json": folder / "net.json", "bin": folder / "net.bin"}
        members["json"].write_text(json.dumps(model))
        members["bin"].write_bytes(b"".join(x.tobytes() for x in self.weights.values()))
        return members

    def maps(self, images: np.ndarray) -> list[np.ndarray]:
        """The four head maps ``(N, C, h, w)`` of BGR images ``(N, H, W, 3)``, in float64."""
        made = {SCOPE + "sub_1": images[..., ::-1].transpose(0, 3, 1, 2) * float(SCALE) - 1}
        for node in self.nodes[1:]:
            if node["op"] in ("Shape", "StridedSlice", "Mul"):  # sizes only
                continue
            x = made[node["input"][0]]
            if node["op"] == "AddV2":
                made[node["name"]] = x + made[node["input"][1]]
            elif node["op"] == "ResizeBilinear":
                made[node["name"]] = twice(twice(x, 2), 3)
            else:
                made[node["name"]] = self.convolve(node, x)
        return [made[f"{SCOPE}{name}/conv/BiasAdd"] for name in HEADS]

    def convolve(self, node: dict[str, Any], x: np.ndarray) -> np.ndarray:
        weight = self.weights[node["input"][1]]
        depthwise = "Depthwise" in node["op"]
        weight = weight.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
        stride = int(node["attr"]["strides"]["list"]["i"][1])
        total = weight.shape[2] - stride if weight.shape[2] > 1 else 0
        y = self.conv2d(x, weight, stride, (total // 2, total - total // 2))
        if len(node["input"]) > 2:
            y = y + self.weights[node["input"][2]].reshape(-1, 1, 1)
        words = [base64.b64decode(w) for w in node["attr"]["fused_ops"]["list"]["s"]]
        if b"Relu" in words:
            return np.maximum(y, 0)
        return np.clip(y, 0, 6) if b"Relu6" in words else y


def twice(x: np.ndarray, axis: int) -> np.ndarray:
    """Linear enlargement by two with half-pixel centres."""
    x = np.moveaxis(x, axis, -1)
    before = np.concatenate([x[..., :1], x[..., :-1]], -1)
    after = np.concatenate([x[..., 1:], x[..., -1:]], -1)
    y = np.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], -1)
    return np.moveaxis(y.reshape(*x.shape[:-1], -1), -1, axis)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def decode(maps: list[np.ndarray], box: np.ndarray) -> np.ndarray:
    """Keypoints ``(17, 3)`` of one person from its four maps ``(C, h, w)``, cell by cell."""
    heat, centre, regression, offset = maps
    rows, columns = centre.shape[1:]
    middle, half = np.array([columns, rows]) / 2, box / 8
    low_box, high_box = middle - half, middle + half
    best, pose = -1.0, np.zeros((17, 2))
    for y in range(rows):
        for x in range(columns):
            joints = regression[:, y, x].reshape(17, 2)[:, ::-1] + [x, y]
            low, high = joints.min(0), joints.max(0)
            sides = np.maximum(np.minimum(high, high_box) - np.maximum(low, low_box), 0)
            union = np.prod(high - low) + np.prod(2 * half) - np.prod(sides)
            score = np.prod(sides) / (union + 1e-6) * np.sqrt(sigmoid(centre[0, y, x]))
            if score > best:
                best, pose = score, joints
    found = np.zeros((17, 3))
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1)
    for k in range(17):
        far = np.linalg.norm(cells - pose[k], axis=-1)
        index = np.argmax(sigmoid(heat[k]) / (far + 1.8))
        y, x = divmod(int(index), columns)
        shift = offset[2 * k : 2 * k + 2, y, x]
        found[k] = (x + shift[1]) * 4, (y + shift[0]) * 4, sigmoid(heat[k, y, x])
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["single", "multi"])
def network(conv2d: Convolve, request: pytest.FixtureRequest) -> Network:
    return Network(conv2d, multi=request.param)


@pytest.fixture(scope="module")
def session(
    network: Network, tmp_path_factory: pytest.TempPathFactory
) -> onnxruntime.InferenceSession:
    members = network.write(tmp_path_factory.mktemp("movenet"))
    return onnxruntime.InferenceSession(convert_movenet(members))


def crops(count: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng([count, height, width])
    images = random.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    boxes = random.uniform(0.4, 0.9, (count, 2)) * [width, height]
    return images, boxes.astype(np.float32)


@pytest.mark.parametrize(
    ("count", "height", "width"), [(1, 64, 96), (3, 64, 64), (2, 128, 32), (1, 32, 32)]
)
def test_finds_what_the_definition_finds(
    network: Network,
    session: onnxruntime.InferenceSession,
    count: int,
    height: int,
    width: int,
) -> None:
    images, boxes = crops(count, height, width)
    (found,) = session.run(["keypoints"], {"image": images, "boxes": boxes})
    maps = network.maps(images)
    expected = [decode([part[i] for part in maps], boxes[i]) for i in range(count)]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_people_of_a_batch_do_not_mix(session: onnxruntime.InferenceSession) -> None:
    images, boxes = crops(5, 64, 64)
    together = session.run(None, {"image": images, "boxes": boxes})[0]
    alone = [
        session.run(None, {"image": images[i : i + 1], "boxes": boxes[i : i + 1]})[0][0]
        for i in range(5)
    ]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_the_box_chooses_the_person(
    network: Network, session: onnxruntime.InferenceSession
) -> None:
    images, _boxes = crops(1, 64, 64)
    sizes = np.array([[8, 8], [60, 60]], np.float32)
    small, large = (
        session.run(None, {"image": images, "boxes": size[None]})[0][0] for size in sizes
    )
    maps = [part[0] for part in network.maps(images)]
    np.testing.assert_allclose(small, decode(maps, sizes[0]), atol=2e-3)
    np.testing.assert_allclose(large, decode(maps, sizes[1]), atol=2e-3)
    assert np.abs(small - large).max() > 1


def test_sides_need_only_be_multiples_of_32(session: onnxruntime.InferenceSession) -> None:
    shapes = {x.name: x.shape for x in session.get_inputs()}
    assert shapes == {"image": ["N", "H", "W", 3], "boxes": ["N", 2]}
    assert session.get_outputs()[0].shape == ["N", 17, 3]


def test_same_files_same_bytes(network: Network, tmp_path: Path) -> None:
    members = network.write(tmp_path)
    assert convert_movenet(members) == convert_movenet(members)


def test_heads_for_boxes_are_left_out(conv2d: Convolve, tmp_path: Path) -> None:
    with_boxes = Network(conv2d, multi=True)
    graph = onnx.load_from_string(convert_movenet(with_boxes.write(tmp_path))).graph
    stored = {x.raw_data for x in graph.initializer}
    for name in (*HEADS, *BOX_HEADS):
        depth = with_boxes.weights[f"{SCOPE}{name}/depth/w"].transpose(2, 3, 0, 1)
        assert (depth.tobytes() in stored) == (name in HEADS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda n: n.node(f"{SCOPE}center_0/more/BiasAdd", "Sub", []), "'center_0', found 2"),
        (lambda n: next(x for x in n.nodes if x["name"] == "up").update(attr={}), "half-pixel"),
        (lambda n: next(x for x in n.nodes if x["name"] == "sum").update(op="Mul"), "'Mul'"),
        (
            lambda n: n.nodes[1]["attr"]["fused_ops"]["list"]["s"].append(
                base64.b64encode(b"Elu").decode()
            ),
            "activation 'Elu'",
        ),
    ],
    ids=["two heads", "other resize", "other operation", "other activation"],
)
def test_other_networks_are_refused(
    conv2d: Convolve, tmp_path: Path, change: Callable[[Network], object], told: str
) -> None:
    network = Network(conv2d)
    change(network)
    with pytest.raises(ModelError, match=told):
        convert_movenet(network.write(tmp_path))
