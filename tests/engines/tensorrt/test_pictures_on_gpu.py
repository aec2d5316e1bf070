"""The same pictures as OpenCV's where there is a GPU, and by the same way in memory of the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from steadypose.engines.crops import cut
from steadypose.engines.detectors.base import fit
from steadypose.engines.pixels import Pixels, Planes
from steadypose.engines.tensorrt.chain import DeviceChain
from steadypose.engines.tensorrt.device import Gpu, find_gpu
from steadypose.engines.tensorrt.kernels import Kernels, kernel_code
from steadypose.engines.tensorrt.lane import MadeInput
from steadypose.engines.tensorrt.makers import KernelMaker, PixelMaker
from steadypose.engines.tensorrt.memory import DeviceMemory, open_memory, rounded
from steadypose.errors import EngineError

WAYS = ["pycuda-kernels", "torch-kernels", "pycuda-torch", "torch-torch", "host-torch"]
PLANES = Planes((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), rgb=True)
RNG = np.random.default_rng(7)
BOXES = np.stack([RNG.uniform(-200, 1900, 40), RNG.uniform(-200, 1000, 40)], 1)
BOXES = np.concatenate([BOXES, BOXES + RNG.uniform(5, 900, (40, 2))], 1)


class Mirror:
    """An engine that gives back its input."""

    name, max_batch = "mirror", 64
    inputs: Mapping[str, Any] = {}
    outputs: Mapping[str, Any] = {}

    def __init__(self, memory: DeviceMemory) -> None:
        self.memory, self.stream = memory, memory.stream()

    def infer(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        raise AssertionError("made on the host")

    def run(self, feeds: Mapping[str, Any], made: Mapping[str, MadeInput]) -> dict[str, Any]:
        (picture,), memory = made.values(), self.memory
        dtype = np.dtype(np.float32 if picture.shape[1] == 3 else np.uint8)
        nbytes, sent = prod(picture.shape) * dtype.itemsize, picture.table.size
        start = rounded(nbytes)
        device, host = memory.buffer(start + sent), memory.page_locked(start + sent)
        table = memory.buffer(sent)
        host.array[:sent] = picture.table
        if sent:
            memory.upload(table, host, sent, self.stream)
        picture.make(device.address, table.address, memory, self.stream)
        memory.download(host, device, nbytes, self.stream)
        self.stream.synchronise()
        seen = host.array[:nbytes].view(dtype).reshape(picture.shape).copy()
        for each in (device, host, table):
            each.close()
        return {"seen": seen}


def open_both(way: str, folder: Path) -> tuple[DeviceMemory, PixelMaker]:
    library, _, maker = way.partition("-")
    for name in {library, maker} & {"pycuda", "torch"}:
        if find_spec(name) is None:
            pytest.skip(f"no {name}")
    if library == "host":
        from steadypose.engines.tensorrt.torch_maker import TorchMaker
        from steadypose.engines.tensorrt.torch_memory import TorchMemory

        gpu = Gpu(index=0, name="host", capability=(9, 0), memory_bytes=1 << 30)
        return TorchMemory(gpu, "cpu"), TorchMaker("cpu")
    try:
        gpu = find_gpu()
    except EngineError as error:
        pytest.skip(str(error))
    try:
        memory = open_memory(gpu, library)
        if maker == "torch":
            from steadypose.engines.tensorrt.torch_maker import TorchMaker

            return memory, TorchMaker(f"cuda:{gpu.index}")
        code = kernel_code(gpu.architecture, folder)
        with memory.active():
            return memory, KernelMaker(Kernels(code))
    except EngineError as error:
        if "cannot use" in str(error) or "neither nvcc nor NVRTC" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(params=WAYS)
def chain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DeviceChain]:
    memory, maker = open_both(request.param, tmp_path / "engines")
    chain = DeviceChain(memory, maker)
    yield chain
    chain.close()


def test_every_picture_is_opencvs(chain: DeviceChain) -> None:
    memory = chain._memory
    # A processor is given a sixteenth of what a GPU is.
    less, boxes = (4, BOXES[:8] / 4) if memory.gpu.name == "host" else (1, BOXES)
    small = RNG.integers(0, 256, (270 // less, 480 // less, 3), dtype=np.uint8)
    frame = cv2.resize(small, (1920 // less, 1080 // less))
    frame.flags.writeable = False
    crops = [
        cut([frame] * len(boxes), boxes, size, 1.15).pixels for size in ((256, 192), (192, 64))
    ]
    fits = [
        fit(frame, h // less, w // less, letterbox=h != w, pad=114).pixels
        for h, w in ((416, 416), (416, 736), (540, 960), (1200, 2000))
    ]
    wanted: list[Pixels] = [*crops, *fits, crops[0].mirrored()]
    wanted += [replace(pixels, planes=PLANES) for pixels in (crops[1], fits[0])]
    with memory.active():
        network = Mirror(memory)
        for pixels in wanted:
            seen = chain.infer(network, "image", pixels, {})["seen"]
            made = pixels.array()
            assert seen.dtype == made.dtype
            # OpenCV 4, and CPUs without fused multiply-add, round crops otherwise.
            most = 0 if cv2.__version__.startswith("5.") else 9
            assert np.abs(seen.astype(float) - made).max() <= most
        network.stream.close()
    assert len(chain.frames) == 1
