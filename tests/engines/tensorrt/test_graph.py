"""Networks' files as TensorRT takes them."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from steadypose.engines import zoo
from steadypose.engines.refiner.load import WEIGHTS
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.tensorrt.graph import prepare_graph
from steadypose.engines.tensorrt.halve import half_nodes, tensor_types, weight_names
from steadypose.errors import EngineError, ModelError
from tests.engines.tensorrt.networks import rounded, run, save, write_network, zoo_model

REFINER = WEIGHTS / "refiner-fast.onnx"
HALF, FULL = TensorProto.FLOAT16, TensorProto.FLOAT


def pictures(count: int, height: int, width: int) -> NDArray[np.uint8]:
    """Smooth random pictures, which have no more detail than photographs."""
    random = np.random.default_rng(5)
    coarse = random.integers(0, 256, (count, 9, 7, 3), np.uint8)
    return np.stack([cv2.resize(c, (width, height), interpolation=cv2.INTER_CUBIC) for c in coarse])


def refiner_inputs(count: int = 2) -> dict[str, NDArray[np.generic]]:
    random = np.random.default_rng(7)
    pose = np.concatenate(
        [random.uniform(10, 54, (count, 19, 2)), random.uniform(0.3, 1, (count, 19, 1))], -1
    ).astype(np.float32)
    return {"image": pictures(count, 96, 64), "pose": pose, "prior": pose}


def readers(graph: bytes, name: str) -> list[str]:
    return [n.op_type for n in onnx.load_from_string(graph).graph.node if name in n.input]


def test_refiner_keeps_its_fp16_and_its_results() -> None:
    graph, inputs = prepare_graph(REFINER, half=True), refiner_inputs()
    assert readers(graph, "image") == ["Cast"]
    before = onnx.load(REFINER)
    names = weight_names(before)
    assert {t.data_type for t in before.graph.initializer if t.name in names} == {HALF}
    after = {t.name: t for t in onnx.load_from_string(graph).graph.initializer}
    assert all(after[t.name].raw_data == t.raw_data for t in before.graph.initializer)
    assert np.array_equal(run(graph, inputs)[0], run(REFINER.read_bytes(), inputs)[0])


def test_refiner_in_fp32() -> None:
    graph, inputs = prepare_graph(REFINER, half=False), refiner_inputs()
    assert HALF not in tensor_types(onnx.load_from_string(graph)).values()
    assert readers(graph, "image") == ["Cast"]
    assert np.array_equal(run(graph, inputs)[0], run(float32_graph(REFINER), inputs)[0])


def test_an_fp32_refiner_is_halved_where_the_exporter_halves(tmp_path: Path) -> None:
    path = tmp_path / "full.onnx"
    path.write_bytes(float32_graph(REFINER))
    ours, shipped = prepare_graph(path, half=True), prepare_graph(REFINER, half=True)
    inputs = refiner_inputs()
    full = run(prepare_graph(path, half=False), inputs)[0]
    away = [
        float(np.median(np.abs(run(rounded(graph, tmp_path), inputs)[0] - full)[..., :2]))
        for graph in (ours, shipped)
    ]
    assert 0 < away[0] < 0.1
    assert away[0] < 1.5 * away[1]


def test_the_trunk_alone_is_halved(tmp_path: Path) -> None:
    path = write_network(tmp_path / "n.onnx")
    graph = prepare_graph(path, half=True)
    model = onnx.load_from_string(graph)
    assert half_nodes(model) == {"conv1", "relu", "inside", "resize", "conv2"}
    types = tensor_types(model)
    assert types["image"] == TensorProto.UINT8
    assert types["out"] == types["share"] == types["normal"] == FULL
    # The trunk's form of the constant that normalisation and decoder need in FP32.
    assert (types["scale"], types["scale/half"]) == (FULL, HALF)
    assert types["double"] == FULL  # factors of a resize are FP32 by ONNX's definition
    assert "first" not in {t.name for t in model.graph.initializer}
    image = pictures(2, 32, 64)
    full = run(path.read_bytes(), {"image": image})[0]
    assert np.abs(run(graph, {"image": image})[0] - full).max() < 2e-3 * np.abs(full).max()


def test_names_stay_unique(tmp_path: Path) -> None:
    model = onnx.load_from_string(prepare_graph(write_network(tmp_path / "n.onnx"), half=True))
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)


def test_weights_that_are_nodes_are_found(tmp_path: Path) -> None:
    model = onnx.load(write_network(tmp_path / "n.onnx"))
    for tensor in list(model.graph.initializer):
        node = helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.node.insert(0, node)
        model.graph.initializer.remove(tensor)
    onnx.save(model, tmp_path / "nodes.onnx")
    graph = onnx.load_from_string(prepare_graph(tmp_path / "nodes.onnx", half=True))
    assert {"conv1", "conv2"} <= half_nodes(graph)


def test_coordinates_from_maps_stay_fp32(tmp_path: Path) -> None:
    path = save(
        tmp_path / "n.onnx",
        [
            helper.make_node("Conv", ["x", "w"], ["maps"], name="conv"),
            helper.make_node("Flatten", ["maps"], ["flat"], name="flat"),
            helper.make_node("MatMul", ["flat", "places"], ["y"], name="expectation"),
        ],
        [("x", FULL, ["N", 3, 16, 16])],
        [("y", ["N", 2])],
        {"w": np.ones((4, 3, 1, 1), np.float32), "places": np.ones((1024, 2), np.float32)},
    )
    assert half_nodes(onnx.load_from_string(prepare_graph(path, half=True))) == {"conv"}


def test_what_a_branch_inside_reads_stays_fp32(tmp_path: Path) -> None:
    def branch(op: str) -> onnx.GraphProto:
        made = helper.make_tensor_value_info("made", FULL, None)
        return helper.make_graph([helper.make_node(op, ["c1"], ["made"])], op, [], [made])

    path = save(
        tmp_path / "n.onnx",
        [
            helper.make_node("Conv", ["x", "w"], ["c1"], name="conv1"),
            helper.make_node(
                "If", ["yes"], ["b"], then_branch=branch("Relu"), else_branch=branch("Neg")
            ),
            helper.make_node("Conv", ["b", "w"], ["y"], name="conv2"),
        ],
        [("x", FULL, ["N", 4, 16, 16]), ("yes", TensorProto.BOOL, [])],
        [("y", ["N", 4, "H", "W"])],
        {"w": np.random.default_rng(1).normal(size=(4, 4, 3, 3)).astype(np.float32)},
    )
    graph = prepare_graph(path, half=True)
    assert half_nodes(onnx.load_from_string(graph)) >= {"conv1"}
    feeds = {"x": np.ones((1, 4, 16, 16), np.float32), "yes": np.array(True)}
    assert np.allclose(run(graph, feeds)[0], run(path.read_bytes(), feeds)[0], rtol=1e-2, atol=1e-2)


def _bytes_out(path: Path) -> Path:
    node = helper.make_node("Transpose", ["image"], ["planes"], name="t")
    taken = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 2])
    given = helper.make_tensor_value_info("planes", TensorProto.UINT8, [2, 1])
    graph = helper.make_graph([node], "g", [taken], [given])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def _outside(path: Path) -> Path:
    model = onnx.load(write_network(path))
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def _large(path: Path) -> Path:
    model = onnx.load(write_network(path))
    for tensor in model.graph.initializer:
        if tensor.name == "last":
            value = onnx.numpy_helper.to_array(tensor) * np.float32(1e7)
            tensor.CopyFrom(onnx.numpy_helper.from_array(value, "last"))
    onnx.save(model, path)
    return path


def _weightless(path: Path) -> Path:
    node = helper.make_node("Relu", ["x"], ["y"], name="relu")
    return save(path, [node], [("x", FULL, ["N", 4])], [("y", ["N", 4])], {})


def _junk(path: Path) -> Path:
    path.write_bytes(b"junk")
    return path


def _fields(path: Path) -> Path:
    """Bytes that a reader of ONNX takes for fields it does not know."""
    path.write_bytes(b"a network")
    return path


@pytest.mark.parametrize(
    ("write", "half", "error", "message"),
    [
        (lambda p: write_network(p, first="Add"), False, EngineError, r"'wrap' \(Add\) computes"),
        (_bytes_out, False, EngineError, "handed out again as bytes"),
        (_outside, True, EngineError, "its weights lie in other files"),
        (_large, True, EngineError, r"'last' holds values beyond FP16 \(65504\)"),
        (_weightless, True, EngineError, "has no layers with FP32 or FP16 weights"),
        (_junk, True, ModelError, "not a readable ONNX file"),
        (_fields, True, ModelError, "not a readable ONNX file"),
        (lambda p: p, True, ModelError, "cannot be read: No such file"),
    ],
    ids=["arithmetic", "bytes out", "outside", "large", "weightless", "junk", "fields", "absent"],
)
def test_what_cannot_be_prepared(tmp_path, write, half, error, message) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "n.onnx")
    with pytest.raises(error, match=message) as raised:
        prepare_graph(path, half=half)
    assert "n.onnx" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def frame() -> NDArray[np.uint8]:
    """A picture with people."""
    clip = zoo_model("demo-clip")
    with av.open(str(clip)) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")


def test_movenet_in_fp16_moves_joints_less_than_a_grey_level(
    frame: NDArray[np.uint8], tmp_path: Path
) -> None:
    """Its decoder takes the best of cells; where two are nearly as good any noise may change it."""
    path = zoo_model("movenet-lightning")
    height, width = frame.shape[:2]
    places = [(y, x) for y in range(0, height - 600, 250) for x in (0, width - 450)][:12]
    crops = np.stack([cv2.resize(frame[y : y + 600, x : x + 450], (96, 128)) for y, x in places])
    boxes = np.tile(np.array([[70, 110]], np.float32), (len(crops), 1))
    full, half = prepare_graph(path, half=False), prepare_graph(path, half=True)
    right = run(full, {"image": crops, "boxes": boxes})[0]
    noise = np.random.default_rng(0).integers(-1, 2, crops.shape)
    noisy = np.clip(crops.astype(int) + noise, 0, 255).astype(np.uint8)

    def moved(graph: bytes, image: NDArray[np.uint8]) -> NDArray[np.floating]:
        found = run(graph, {"image": image, "boxes": boxes})[0]
        return np.linalg.norm(found[..., :2] - right[..., :2], axis=-1)

    assert np.array_equal(right, run(path.read_bytes(), {"image": crops, "boxes": boxes})[0])
    weights_alone = moved(half, crops)
    assert np.percentile(weights_alone, 99) < 0.5
    everything = moved(rounded(half, tmp_path), crops)
    assert np.percentile(everything, 50) < 0.05
    assert np.percentile(everything, 90) < 0.5
    assert everything.mean() < 0.5 * moved(full, noisy).mean()


def test_picodet_in_fp16_finds_the_same_boxes(frame: NDArray[np.uint8], tmp_path: Path) -> None:
    path = zoo_model("picodet-s-416")
    image = cv2.resize(frame, (416, 416))[None]
    boxes, scores = run(path.read_bytes(), {"image": image})
    graph = rounded(prepare_graph(path, half=True), tmp_path)
    half_boxes, half_scores = run(graph, {"image": image})
    sure = scores > 0.3
    assert sure.sum() > 10
    assert np.abs(half_scores - scores).max() < 0.05
    sides = np.linalg.norm(boxes[sure][:, 2:] - boxes[sure][:, :2], axis=1)
    away = np.abs(half_boxes[sure] - boxes[sure]).max(1)
    assert (away / sides).max() < 0.03
    assert zoo.CATALOG["picodet-s-416"].input_size == (416, 416)
