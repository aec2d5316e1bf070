"""The kernels' source, compiled for the host, and torch's way, against OpenCV."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steadypose.engines.crops import Cuts, cut
from steadypose.engines.detectors.base import Fit, fit
from steadypose.engines.pixels import Planes
from steadypose.engines.tensorrt.crops import (
    AREA,
    AREA_HALVES_UP,
    LINEAR,
    cut_records,
    fit_plan,
)
from steadypose.engines.tensorrt.makers import KernelMaker, PixelMaker
from tests.engines.tensorrt.host_kernels import host_kernels

SIZES = ((256, 192), (192, 128), (256, 64), (128, 96), (64, 48), (96, 160))
_FMA3 = 12  # of OpenCV's CpuFeatures
EXACT = cv2.__version__.startswith("5.") and cv2.checkHardwareSupport(_FMA3)
"""Elsewhere OpenCV rounds otherwise."""
STREAM: Any = SimpleNamespace(handle=0)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scene(height: int, width: int) -> NDArray[np.uint8]:
    """Smooth, with a few edges, as pictures are."""
    picture = cv2.GaussianBlur(noise(height, width), (0, 0), 5).astype(float)
    picture = (picture - 127) * 8 + 127
    picture[height // 3 : height // 2, width // 4 : width // 2] = 250
    return picture.clip(0, 255).astype(np.uint8)


FRAMES = {"noise": noise(90, 131), "scene": scene(240, 320), "sliver": noise(300, 3)}


def assert_same(found: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
    assert found.shape == wanted.shape
    if EXACT:
        np.testing.assert_array_equal(found, wanted)
    else:  # OpenCV 4 moves pixels by up to 1/64 along both axes
        assert np.abs(found.astype(int) - wanted).max() <= 9


class Made:
    """What a maker makes, in memory of the host."""

    def __init__(self, maker: PixelMaker) -> None:
        self.maker = maker

    def cut(self, cuts: Cuts, *, mirror: bool = False) -> NDArray[np.uint8]:
        addresses = [frame.ctypes.data for frame in cuts.frames]
        records, made = cut_records(cuts, addresses), np.full(cuts.shape, 77, np.uint8)
        where = (records.ctypes.data, made.ctypes.data)
        self.maker.cut(cuts, addresses, *where, STREAM, mirror=mirror)
        return made

    def fit(self, source: Fit) -> NDArray[np.uint8]:
        made, plan = np.full(source.shape, 77, np.uint8), fit_plan(source)
        tables = [table.ctypes.data for table in plan.tables]
        where = (source.frame.ctypes.data, tables, made.ctypes.data)
        self.maker.fit(source, plan, *where, STREAM)
        return made

    def planes(self, planes: Planes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        n, height, width, _ = images.shape
        made = np.empty((n, 3, height, width), np.float32)
        self.maker.planes(planes, images.shape, images.ctypes.data, made.ctypes.data, STREAM)
        return made


@pytest.fixture(scope="module", params=["kernels", "torch"])
def host(request: pytest.FixtureRequest) -> Made:
    if request.param == "kernels":
        return Made(KernelMaker(host_kernels(request.getfixturevalue("host_library"))))
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)  # threads that wait for each other cost more than such small pictures
    from steadypose.engines.tensorrt.torch_maker import TorchMaker

    return Made(TorchMaker("cpu"))


class TestCut:
    @settings(max_examples=20, deadline=None)
    @given(
        st.sampled_from(sorted(FRAMES)),
        st.sampled_from(SIZES),
        st.lists(
            st.tuples(
                st.floats(-150, 350), st.floats(-150, 350), st.floats(1, 500), st.floats(1, 500)
            ),
            min_size=1,
            max_size=3,
        ),
        st.floats(1, 2),
        st.booleans(),
    )
    def test_is_opencvs(self, host, frame, size, boxes, padding, mirror) -> None:  # type: ignore[no-untyped-def]
        xyxy = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes])
        crops = cut([FRAMES[frame]] * len(xyxy), xyxy, size, padding)
        assert isinstance(crops.made_from, Cuts)
        wanted = crops.images[:, :, ::-1] if mirror else crops.images
        assert_same(host.cut(crops.made_from, mirror=mirror), wanted)

    @pytest.mark.parametrize(
        "box",
        [
            (0, 0, 320, 240),
            (-60, -80, 200, 300),
            (310, 230, 400, 400),
            (319.5, 10, 321, 60),
            (1000, 1000, 1100, 1200),
            (-1e12, -1e12, -9e11, -8e11),
            (3e9, 0, 3.1e9, 1e7),
            (10, 10, 10.01, 10.02),
            (-1e5, -1e5, 1e5, 1e5),
        ],
        ids=str,
    )
    def test_boxes_partly_and_wholly_outside(self, host: Made, box: Any) -> None:
        crops = cut([FRAMES["scene"]], np.array([box], float), (256, 192), 1.15)
        assert isinstance(crops.made_from, Cuts)
        assert_same(host.cut(crops.made_from), crops.images)

    def test_people_of_frames_of_several_sizes(self, host: Made) -> None:
        frames = [FRAMES["scene"], FRAMES["noise"], FRAMES["sliver"], FRAMES["scene"]]
        boxes = np.array([[5.5, 7, 80, 90], [0, 0, 131, 90], [-4, 50, 9, 100], [200, 3, 333, 250]])
        crops = cut(frames, boxes, (192, 128), 1.25)
        assert isinstance(crops.made_from, Cuts)
        assert_same(host.cut(crops.made_from), crops.images)


FITS = [
    ((1080, 1920), (416, 416), False, AREA),
    ((720, 1280), (416, 736), True, AREA),
    ((832, 832), (416, 416), False, AREA_HALVES_UP),
    ((1664, 1248), (416, 416), False, AREA),
    ((416, 832), (416, 416), False, AREA),
    ((1248, 832), (416, 416), False, AREA),
    ((413, 997), (320, 320), True, AREA),
    ((240, 620), (416, 416), False, LINEAR),
    ((500, 100), (416, 416), False, LINEAR),
    ((240, 320), (416, 416), True, LINEAR),
    ((208, 208), (416, 416), False, LINEAR),
    ((416, 416), (416, 416), False, LINEAR),
    ((1, 1), (32, 64), False, LINEAR),
    ((1, 900), (32, 64), True, AREA),
    ((7, 3000), (96, 96), True, AREA),
]


class TestFit:
    @pytest.mark.parametrize(("old", "new", "letterbox", "way"), FITS, ids=str)
    def test_is_opencvs(self, host: Made, old: Any, new: Any, letterbox: bool, way: int) -> None:
        source = fit(noise(*old), *new, letterbox=letterbox, pad=114).source
        assert fit_plan(source).way == way
        assert_same(host.fit(source), source.images)

    @settings(max_examples=30, deadline=None)
    @given(*[st.integers(1, 200)] * 2, *[st.integers(1, 100)] * 2, st.booleans())
    def test_any_sizes(self, host, rows, columns, height, width, letterbox) -> None:  # type: ignore[no-untyped-def]
        source = fit(noise(rows, columns), height, width, letterbox=letterbox, pad=7).source
        assert_same(host.fit(source), source.images)


@pytest.mark.parametrize(
    "planes", [Planes(), Planes((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), rgb=True)]
)
def test_planes_are_numpys(host: Made, planes: Planes) -> None:
    images = noise(2 * 37, 53).reshape(2, 37, 53, 3)
    np.testing.assert_array_equal(host.planes(planes, images), planes.of(images))
