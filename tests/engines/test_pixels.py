"""What a network is to see: described first, made on the host or handed to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steadypose.engines.crops import Crops, Cuts, cut
from steadypose.engines.detectors.base import Fit, fit
from steadypose.engines.detectors.openmmlab import MmDetector
from steadypose.engines.detectors.picodet import PicoDet
from steadypose.engines.estimators import Estimator
from steadypose.engines.estimators.movenet import MoveNet
from steadypose.engines.estimators.simcc import SimccNetwork
from steadypose.engines.pixels import Given, Pixels, Planes, infer_pixels
from steadypose.engines.refiner.refine import PoseRefiner
from steadypose.engines.runtimes import TensorSpec
from steadypose.poses import Poses
from steadypose.skeletons import COCO17, COCO19

RNG = np.random.default_rng(5)
FRAME = RNG.integers(0, 256, (90, 120, 3), dtype=np.uint8)
BOXES = np.array([[10.0, 10, 60, 80], [50, 5, 110, 85]], np.float32)
POINTS = RNG.random((2, 17, 2), np.float32) * 50
OUTPUTS: dict[str, Any] = {
    "keypoints": RNG.random((2, 19, 3), np.float32),
    "simcc_x": RNG.random((2, 17, 96), np.float32),
    "simcc_y": RNG.random((2, 17, 128), np.float32),
    "boxes": np.array([[[5, 5, 30, 40]]], np.float32),
    "scores": np.array([[0.9]], np.float32),
    "dets": np.array([[[5, 5, 30, 40, 0.9]]], np.float32),
}


def spec(name: str, *shape: int | None) -> dict[str, TensorSpec]:
    return {name: TensorSpec(name=name, dtype=np.dtype(np.uint8), shape=shape)}


class Coco19MoveNet(MoveNet):
    skeleton = COCO19


class Plain:
    """Fed with arrays, as ONNX Runtime is."""

    path, name, runtime = Path("net.onnx"), "net", "none"

    def __init__(self, inputs: Mapping[str, TensorSpec], outputs: tuple[str, ...]) -> None:
        self.inputs = inputs
        self.outputs = {n: spec(n, *OUTPUTS[n].shape)[n] for n in outputs}
        self.fed: list[dict[str, Any]] = []

    def infer(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        self.fed.append(dict(feeds))
        return {n: OUTPUTS[n] for n in self.outputs}


class OnDevice(Plain):
    """Told what the pictures are, as TensorRT is."""

    def __init__(self, inputs: Mapping[str, TensorSpec], outputs: tuple[str, ...]) -> None:
        super().__init__(inputs, outputs)
        self.told: list[Pixels] = []

    def infer_pixels(self, name: str, pixels: Pixels, feeds: Mapping[str, Any]) -> dict[str, Any]:
        self.told.append(pixels)
        return self.infer({name: pixels.array(), **feeds})


def test_planes_are_what_the_exported_networks_were_fed() -> None:
    images = RNG.integers(0, 256, (2, 7, 5, 3), dtype=np.uint8)
    mean = np.array([123.675, 116.28, 103.53], np.float32)
    std = np.array([58.395, 57.12, 57.375], np.float32)
    wanted = ((images[..., ::-1].astype(np.float32) - mean) / std).transpose(0, 3, 1, 2)
    made = Planes(tuple(mean.tolist()), tuple(std.tolist()), rgb=True).of(images)
    assert made.flags.c_contiguous
    assert made.dtype == np.float32
    assert np.array_equal(made, wanted)
    assert np.array_equal(Planes().of(images), images.transpose(0, 3, 1, 2).astype(np.float32))


def test_crops_are_cut_once_and_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    crops = cut([FRAME, FRAME], BOXES, (64, 48), 1.2)
    assert isinstance(crops.made_from, Cuts)
    assert "images" not in vars(crops.made_from)
    mirrored = crops.pixels.mirrored().array()
    assert np.array_equal(mirrored, crops.images[:, :, ::-1])
    assert crops.pixels.mirrored().mirrored().array() is crops.images
    assert crops.size == (64, 48)


def test_crops_of_given_images_are_those_images() -> None:
    images = np.zeros((1, 6, 4, 3), np.uint8)
    crops = Crops(images, np.ones(1), np.zeros((1, 2)), np.ones((1, 2), np.float32))
    assert crops.images is images
    assert isinstance(crops.pixels.source, Given)
    assert crops.pixels.source.shape == (1, 6, 4, 3)
    assert crops.to_frame(np.array([[[2.0, 3]]])).tolist() == [[[0, 0]]]


def movenet(engine: Any) -> Any:
    return Estimator(Coco19MoveNet(engine)).estimate(FRAME, BOXES).keypoints


def simcc(engine: Any) -> Any:
    return Estimator(SimccNetwork(engine)).estimate(FRAME, BOXES).keypoints


def refine(engine: Any) -> Any:
    scores = np.ones((2, 17), np.float32)
    poses = Poses.create(POINTS, scores, BOXES, scores.mean(1), skeleton=COCO17)
    return PoseRefiner(engine, flip=True).refine(FRAME, poses).keypoints


def picodet(engine: Any) -> Any:
    return PicoDet.from_engine(engine).detect(FRAME).boxes


def rtmdet(engine: Any) -> Any:
    return MmDetector(engine, normalise=True).detect(FRAME).boxes


@pytest.mark.parametrize(
    ("use", "inputs", "outputs", "calls"),
    [
        (movenet, spec("image", None, None, None, 3) | spec("boxes", None, 2), ("keypoints",), 1),
        (simcc, spec("input", 1, 3, 64, 48), ("simcc_x", "simcc_y"), 1),
        (refine, spec("image", None, None, None, 3), ("keypoints",), 2),
        (picodet, spec("image", None, 64, 96, 3), ("boxes", "scores"), 1),
        (rtmdet, spec("input", 1, 3, 64, 64), ("dets",), 1),
    ],
)
def test_an_engine_that_can_make_its_pictures_is_told_of_the_frame(
    use: Any, inputs: dict[str, TensorSpec], outputs: tuple[str, ...], calls: int
) -> None:
    plain, device = Plain(inputs, outputs), OnDevice(inputs, outputs)
    assert np.array_equal(use(device), use(plain))
    assert len(device.told) == len(plain.fed) == calls
    assert all(frame is FRAME for told in device.told for frame in told.source.frames)
    name = next(iter(inputs))
    for one, other in zip(plain.fed, device.fed, strict=True):
        assert np.array_equal(one[name], other[name])


def test_fit_is_described_before_it_is_made() -> None:
    fitted = fit(FRAME, 64, 96, letterbox=True, pad=7)
    assert isinstance(fitted.source, Fit)
    assert fitted.source.resized == (64, 85)
    assert fitted.pixels.source.shape == fitted.pixels.array().shape == (1, 64, 96, 3)
    assert (fitted.image[:, 85:] == 7).all()


def test_other_inputs_go_along() -> None:
    engine = Plain(spec("image"), ("scores",))
    pixels = Pixels(Given(np.zeros((1, 2, 2, 3), np.uint8)))
    infer_pixels(engine, "image", pixels, {"more": np.ones(1)})
    assert set(engine.fed[0]) == {"image", "more"}
