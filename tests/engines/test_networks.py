"""Detectors and estimators on tiny networks with known outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from steadypose.engines.crops import CropPolicy
from steadypose.engines.detectors import load_detector
from steadypose.engines.detectors.base import finish, fit
from steadypose.engines.detectors.openmmlab import decode_yolox
from steadypose.engines.detectors.picodet import PicoDet
from steadypose.engines.estimators import Estimator, load_estimator
from steadypose.engines.estimators.simcc import decode_simcc
from steadypose.engines.runtimes import RuntimeOptions, load_engine, usable_runtimes
from steadypose.errors import ConfigError, EngineError, ModelError
from steadypose.skeletons import COCO17
from tests.engines.tiny_networks import write_constant_network

IMAGE = np.zeros((200, 400, 3), np.uint8)


def test_picodet_boxes_come_back_to_the_frame(tmp_path: Path) -> None:
    boxes = np.array([[[10, 20, 50, 80], [11, 21, 50, 80], [60, 0, 90, 99]]], np.float32)
    scores = np.array([[0.9, 0.8, 0.1]], np.float32)
    path = write_constant_network(
        tmp_path / "p.onnx",
        "image",
        ["N", 100, 100, 3],
        {"boxes": boxes, "scores": scores},
        TensorProto.UINT8,
    )
    found = load_detector(str(path)).detect(IMAGE)
    assert np.allclose(found.boxes, [[40, 40, 200, 160]])
    assert np.allclose(found.scores, [0.9])


@pytest.mark.parametrize(
    ("shape", "size"),
    [((720, 1280), (416, 736)), ((1920, 1080), (736, 416)), ((576, 768), (416, 416))],
    ids=["wide", "tall", "square"],
)
def test_picodet_takes_the_network_of_the_frames_shape(
    tmp_path: Path, shape: tuple[int, int], size: tuple[int, int]
) -> None:
    engines = {}
    for height, width in ((416, 416), (416, 736), (736, 416)):
        path = write_constant_network(
            tmp_path / f"p{height}x{width}.onnx",
            "image",
            ["N", height, width, 3],
            {"boxes": np.zeros((1, 1, 4), np.float32), "scores": np.zeros((1, 1), np.float32)},
            TensorProto.UINT8,
        )
        engines[height, width] = load_engine(path)
    detector = PicoDet(engines)
    image = np.zeros((*shape, 3), np.uint8)
    assert detector.size_for(image) == size
    assert len(detector.detect(image)) == 0


def test_rtmdet_file_with_labels(tmp_path: Path) -> None:
    dets = np.array([[[10, 10, 50, 50, 0.9], [60, 60, 90, 90, 0.8]]], np.float32)
    labels = np.array([[1, 0]], np.int64)
    path = write_constant_network(
        tmp_path / "rtmdet_nano.onnx", "input", [1, 3, 100, 100], {"dets": dets, "labels": labels}
    )
    found = load_detector(str(path)).detect(IMAGE)
    assert np.allclose(found.boxes, [[240, 200, 360, 200]]) or len(found) == 0
    found = load_detector(str(path)).detect(np.zeros((100, 100, 3), np.uint8))
    assert np.allclose(found.boxes, [[60, 60, 90, 90]])


def test_raw_yolox_decodes_by_its_grid() -> None:
    raw = np.zeros((84, 6), np.float32)
    raw[64 + 5] = [0.5, 0.25, 0, np.log(2), 0.5, 0.8]
    boxes, scores = decode_yolox(raw, (64, 64))
    assert np.allclose(boxes[64 + 5], [16, 4, 32, 36])
    assert scores[64 + 5] == pytest.approx(0.4)
    with pytest.raises(EngineError, match="expected 84 cells"):
        decode_yolox(raw[:5], (64, 64))


def test_raw_yolox_file(tmp_path: Path) -> None:
    raw = np.zeros((1, 84, 6), np.float32)
    raw[0, 64 + 5] = [0.5, 0.25, 0, np.log(2), 0.5, 0.8]
    path = write_constant_network(
        tmp_path / "yolox_tiny.onnx", "images", [1, 3, 64, 64], {"output": raw}
    )
    found = load_detector(str(path)).detect(np.zeros((128, 128, 3), np.uint8))
    assert np.allclose(found.boxes, [[32, 8, 64, 72]])


def test_simcc_peak_is_the_joint() -> None:
    x, y = np.zeros((1, 17, 96), np.float32), np.zeros((1, 17, 128), np.float32)
    x[..., 40], y[..., 100] = 0.7, 0.6
    joints = decode_simcc(x, y, (64, 48))
    assert np.allclose(joints, [20, 50, 0.6])


def test_rtmpose_file(tmp_path: Path) -> None:
    x, y = np.zeros((1, 17, 96), np.float32), np.zeros((1, 17, 128), np.float32)
    x[..., 48], y[..., 64] = 0.9, 0.9
    path = write_constant_network(
        tmp_path / "rtmpose.onnx", "input", [1, 3, 64, 48], {"simcc_x": x, "simcc_y": y}
    )
    estimator = load_estimator(str(path), policy=CropPolicy(sizes=((128, 96), (256, 192))))
    assert estimator.policy.sizes == ((64, 48),)
    assert estimator.policy.padding == 1.25
    poses = estimator.estimate(IMAGE, np.array([[100.0, 20, 200, 180]]))
    assert np.allclose(poses.keypoints, [150, 100])
    assert poses.box_scores[0] == pytest.approx(0.9)


class Middle:
    """A pose network whose joints all lie in the middle, scored by the crop's brightness."""

    skeleton = COCO17
    fixed_size = None
    padding = 1.0

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.engine = None  # type: ignore[assignment]

    def infer(self, crops):  # type: ignore[no-untyped-def]
        self.batches.append(crops.images.shape[:3])
        n, height, width = crops.images.shape[:3]
        joints = np.empty((n, 17, 3), np.float32)
        joints[..., 0], joints[..., 1] = width / 2, height / 2
        joints[..., 2] = crops.images[:, height // 2, width // 2, :1] / 255
        return joints


def test_batches_by_size_keep_the_order_of_people() -> None:
    network = Middle()
    policy = CropPolicy(sizes=((128, 96), (256, 192)), max_zoom=1.0)
    estimator = Estimator(network, policy, max_batch=3)  # type: ignore[arg-type]
    heights = [300, 60, 310, 70, 80, 90, 100]
    boxes = np.array([[10.0 * i, 5, 10 * i + 20, 5 + h] for i, h in enumerate(heights)])
    dark, light = np.full((400, 400, 3), 50, np.uint8), np.full((400, 400, 3), 255, np.uint8)
    first, second = estimator.estimate_many([dark, light], [boxes[:4], boxes[4:]])
    assert network.batches == [(3, 128, 96), (2, 128, 96), (2, 256, 192)]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert np.allclose(first.keypoints[:, 0], middles[:4])
    assert np.allclose(second.keypoints[:, 0], middles[4:])
    assert np.allclose(first.box_scores, 50 / 255)
    assert np.allclose(second.box_scores, 1)


def test_warming_up_runs_the_largest_batch_once() -> None:
    network = Middle()
    policy = CropPolicy(sizes=((128, 96), (192, 64), (192, 128)))
    Estimator(network, policy, max_batch=5).warm_up()  # type: ignore[arg-type]
    assert network.batches == [(5, 192, 128)]


def test_no_people_cost_no_call() -> None:
    network = Middle()
    poses = Estimator(network).estimate(IMAGE, np.empty((0, 4)))  # type: ignore[arg-type]
    assert len(poses) == 0
    assert network.batches == []


def test_fit_letterboxes_into_the_upper_left_corner() -> None:
    image = np.full((100, 200, 3), 9, np.uint8)
    boxed = fit(image, 100, 100, letterbox=True, pad=114)
    assert boxed.image[20, 20, 0] == 9
    assert boxed.image[80, 20, 0] == 114
    assert boxed.scale.tolist() == [0.5, 0.5]
    assert fit(image, 100, 100, letterbox=False, pad=0).scale.tolist() == [0.5, 1]


def test_finish_clips_and_drops_slivers() -> None:
    boxes = np.array([[-10.0, -10, 50, 50], [399.5, 0, 500, 100], [0, 0, 9, 9]])
    scores = np.array([0.9, 0.8, 0.1])
    found = finish(boxes, scores, IMAGE, min_score=0.5, nms_iou=0.6)
    assert found.boxes.tolist() == [[0, 0, 50, 50]]


@pytest.mark.parametrize("runtime", [n for n, v in usable_runtimes().items() if v])
class TestEveryRuntime:
    def test_runs_and_describes_itself(self, tmp_path: Path, runtime: str) -> None:
        value = np.arange(6, dtype=np.float32).reshape(1, 6)
        path = write_constant_network(tmp_path / "net.onnx", "x", ["N", 3], {"y": value})
        engine = load_engine(path, RuntimeOptions(runtime=runtime, threads=1))
        assert engine.name == "net"
        assert engine.runtime.startswith(runtime)
        assert engine.inputs["x"].shape == (None, 3)
        assert np.array_equal(engine.infer({"x": np.zeros((1, 3), np.float32)})["y"], value)

    def test_says_what_is_wrong_with_a_file(self, tmp_path: Path, runtime: str) -> None:
        path = tmp_path / "broken.onnx"
        path.write_bytes(b"not a network")
        with pytest.raises(EngineError, match=r"broken\.onnx") as error:
            load_engine(path, RuntimeOptions(runtime=runtime))
        assert "\n" not in str(error.value)

    def test_a_bad_call_is_an_engine_error(self, tmp_path: Path, runtime: str) -> None:
        value = np.zeros((1, 1), np.float32)
        path = write_constant_network(tmp_path / "net.onnx", "x", ["N", 3], {"y": value})
        engine = load_engine(path, RuntimeOptions(runtime=runtime))
        with pytest.raises(EngineError, match="net"):
            engine.infer({"nonsense": np.zeros((1, 3), np.float32)})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"device": "gpu"}, ConfigError, "device: expected auto, cpu, cuda or cuda:N, got 'gpu'"),
        ({"precision": "int8"}, ConfigError, "precision: expected fp16 or fp32"),
        ({"runtime": "onnx"}, ConfigError, "choose one of onnxruntime, openvino"),
        ({}, ModelError, "no such model file"),
    ],
    ids=["device", "precision", "runtime", "file"],
)
def test_bad_choices_are_named(tmp_path, options, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        load_engine(tmp_path / "none.onnx", RuntimeOptions(**options))


@pytest.mark.parametrize("load", [load_detector, load_estimator])
def test_a_network_of_no_known_family_is_refused(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    values = {"a": np.zeros((1, 1), np.float32), "b": np.zeros((1, 1), np.float32)}
    path = write_constant_network(tmp_path / "odd.onnx", "x", [1, 3, 64, 64], values)
    with pytest.raises(ModelError, match="outputs a, b are of no"):
        load(str(path))
