"""Frames to results with the pictures made on a device, which here is memory of the host."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from steadypose.engines.crops import cut
from steadypose.engines.detectors.base import fit
from steadypose.engines.pixels import Given, Pixels, Planes
from steadypose.engines.tensorrt import chain as chain_module
from steadypose.engines.tensorrt.chain import DeviceChain, chain_of
from steadypose.engines.tensorrt.frames import FrameStore
from steadypose.engines.tensorrt.makers import open_maker
from steadypose.errors import EngineError
from tests.engines.tensorrt.chain_parts import (
    BOXES,
    RNG,
    SIZE,
    HostMemory,
    Network,
    Queue,
    QueuedMaker,
    new_frame,
)
from tests.engines.tensorrt.host_kernels import host_kernels


@pytest.fixture
def memory() -> HostMemory:
    return HostMemory()


@pytest.fixture
def chain(memory: HostMemory, host_library: Path) -> DeviceChain:
    return DeviceChain(memory, QueuedMaker(host_kernels(host_library)))  # type: ignore[arg-type]


def see(chain: DeviceChain, network: Network, pixels: Pixels, rows: int = 1) -> Any:
    extra = {"extra": np.ones((rows, 2), np.float32)} if rows else {}
    return chain.infer(network, "image", pixels, extra)["seen"]


def test_a_frame_goes_up_once_for_detector_estimator_and_refiner(
    chain: DeviceChain, memory: HostMemory
) -> None:
    frame, network = new_frame(), Network(memory)
    for first in (True, False):  # the detector's tables go up with the first frame of a size
        frame = new_frame()
        fitted = fit(frame, 64, 96, letterbox=True, pad=9).pixels
        assert np.array_equal(see(chain, network, fitted, 0), fitted.array())
        ups, downs = memory.take()
        assert ups[:1] == [frame.nbytes]
        assert len(ups) == (2 if first else 1)
        assert len(downs) == 1
        for _ in ("estimator", "refiner"):
            crops = cut([frame] * 3, BOXES, SIZE, 1.2)
            assert np.array_equal(see(chain, network, crops.pixels, 3), crops.images)
            assert memory.take() == ([3 * 32 + 3 * 8], [crops.images.nbytes])
    assert not network.on_host


def test_mirrored_crops_and_planes(chain: DeviceChain, memory: HostMemory) -> None:
    crops = cut([new_frame()] * 3, BOXES, SIZE, 1.2)
    planes = Planes((120.0, 110.0, 100.0), (57.0, 58.0, 59.0), rgb=True)
    for pixels in (crops.pixels.mirrored(), Pixels(crops.made_from, planes=planes)):  # type: ignore[arg-type]
        assert np.array_equal(see(chain, Network(memory), pixels, 3), pixels.array())


def test_more_than_the_engine_takes_is_split(chain: DeviceChain, memory: HostMemory) -> None:
    frames = [new_frame(), new_frame(50, 70)]
    crops = cut([frames[i % 2] for i in range(19)], np.tile(BOXES, (7, 1))[:19], SIZE, 1.2)
    found = see(chain, Network(memory), crops.pixels, 19)
    assert np.array_equal(found, crops.images)
    ups, downs = memory.take()
    assert len(ups) == 3 + len(frames)
    assert len(downs) == 3


def test_what_may_change_is_sent_again(chain: DeviceChain, memory: HostMemory) -> None:
    frame, network = new_frame(fixed=False), Network(memory)
    for _ in range(2):
        frame[:] = RNG.integers(0, 256, frame.shape, dtype=np.uint8)
        crops = cut([frame], BOXES[:1], SIZE, 1.2)
        assert np.array_equal(see(chain, network, crops.pixels), crops.images)
    assert sum(n == frame.nbytes for n in memory.ups) == 2
    assert len(chain.frames) == 1


def test_a_new_frame_in_an_old_ones_place_is_not_taken_for_it(
    chain: DeviceChain, memory: HostMemory
) -> None:
    network = Network(memory)
    for _ in range(5):
        frame = new_frame()
        crops = cut([frame], BOXES[:1], SIZE, 1.2)
        assert np.array_equal(see(chain, network, crops.pixels), crops.images)
        del frame, crops
        gc.collect()
    assert sum(n == 90 * 120 * 3 for n in memory.ups) == 5
    assert len(chain.frames) == 1, "the room of frames that are gone is used again"


def test_parts_of_frames_and_frames_with_gaps(chain: DeviceChain, memory: HostMemory) -> None:
    frame = new_frame(120, 200)
    for view in (frame[10:100, 20:150], frame[::2, ::-1]):
        crops = cut([np.ascontiguousarray(view)], BOXES[:1], SIZE, 1.2)
        seen = see(chain, Network(memory), cut([view], BOXES[:1], SIZE, 1.2).pixels)
        assert np.array_equal(seen, crops.images)


@pytest.mark.parametrize(
    "case", ["no maker", "no frames", "another source", "no rows", "mirrored fit"]
)
def test_what_cannot_be_made_on_the_device_is_made_on_the_host(
    chain: DeviceChain, memory: HostMemory, case: str
) -> None:
    pixels = cut([new_frame()], BOXES[:1], SIZE, 1.2).pixels
    if case == "no maker":
        chain = DeviceChain(memory, None)  # type: ignore[arg-type]
    elif case == "no frames":
        pixels = Pixels(Given(np.zeros((1, *SIZE, 3), np.uint8)))
    elif case == "another source":
        pixels = Pixels(SimpleNamespace(frames=[], shape=(1, 2, 2, 1), images=np.zeros(4)))  # type: ignore[arg-type]
    elif case == "no rows":
        pixels = cut([], np.zeros((0, 4)), SIZE, 1.2).pixels
    else:
        pixels = fit(new_frame(), 64, 64, letterbox=True, pad=0).pixels.mirrored()
    network = Network(memory)
    see(chain, network, pixels, 0)
    assert len(network.on_host) == 1
    assert np.array_equal(network.on_host[0], pixels.array())
    assert memory.take() == ([], [])


class TestFrameStore:
    def lease(self, store: FrameStore, memory: HostMemory, frame: Any) -> bool:
        """Whether the frame went up."""
        before, stream = len(memory.ups), Queue()
        with memory.active(), store.lease([frame]) as lease:
            lease.upload(stream)  # type: ignore[arg-type]
            stream.synchronise()
            (address,) = lease.addresses([frame])
            there = (ctypes.c_uint8 * frame.nbytes).from_address(address)
            assert np.array_equal(np.frombuffer(there, np.uint8), frame.reshape(-1))
        return len(memory.ups) > before

    def test_the_one_used_longest_ago_goes(self, memory: HostMemory) -> None:
        store = FrameStore(memory, capacity=2)  # type: ignore[arg-type]
        one, two, three = (new_frame() for _ in range(3))
        assert [self.lease(store, memory, f) for f in (one, two, one)] == [True, True, False]
        assert [self.lease(store, memory, f) for f in (three, one, two)] == [True, False, True]
        assert len(store) == 2

    def test_frames_in_use_stay_whatever_comes(self, memory: HostMemory) -> None:
        store = FrameStore(memory, capacity=1)  # type: ignore[arg-type]
        frames = [new_frame() for _ in range(3)]
        with memory.active(), store.lease(frames) as lease:
            addresses = lease.addresses(frames)
            assert len(set(addresses)) == 3
            assert len(store) == 3
        assert len(store) == 1
        assert len(memory.held) == 2

    def test_frames_of_another_size_get_room_of_theirs(self, memory: HostMemory) -> None:
        store = FrameStore(memory, capacity=2)  # type: ignore[arg-type]
        frames = [new_frame(40, 40), new_frame(30, 40), new_frame(400, 400), new_frame(30, 40)]
        sizes = []
        for frame in frames:
            assert self.lease(store, memory, frame)
            sizes.append(sorted({block.nbytes // 3 for block in memory.held}))
        assert sizes == [[1600], [1200, 1600], [1200, 160_000], [1200, 160_000]]

    def test_after_a_failure_nothing_of_the_batch_is_kept(self, memory: HostMemory) -> None:
        store = FrameStore(memory)  # type: ignore[arg-type]
        frame = new_frame()
        with contextlib.suppress(EngineError), memory.active(), store.lease([frame]) as lease:
            lease.upload(Queue())  # type: ignore[arg-type]
            raise EngineError("the network failed")
        assert len(store) == 0
        assert not memory.held
        assert self.lease(store, memory, frame)

    def test_threads_share_and_never_mix_frames(self, memory: HostMemory) -> None:
        store, frames = FrameStore(memory, capacity=3), [new_frame() for _ in range(6)]  # type: ignore[arg-type]
        failures: list[BaseException] = []

        def work(seed: int) -> None:
            try:
                for i in np.random.default_rng(seed).integers(0, len(frames), 40):
                    self.lease(store, memory, frames[i])
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert len(store) <= 3

    def test_closing_frees_all(self, memory: HostMemory) -> None:
        store = FrameStore(memory)  # type: ignore[arg-type]
        self.lease(store, memory, new_frame())
        store.close()
        assert not memory.held
        assert self.lease(store, memory, new_frame())
        assert not memory.held, "what is used later is not kept"


def test_closing_a_chain_frees_all(chain: DeviceChain, memory: HostMemory) -> None:
    frame, network = new_frame(), Network(memory)
    fitted = fit(frame, 64, 96, letterbox=True, pad=9).pixels
    see(chain, network, Pixels(fitted.source, planes=Planes()), 0)
    chain.close()
    chain.close()
    gc.collect()
    left = [block for block in memory.held if block.nbytes > 64 * 96 * 3]
    assert not left
    see(chain, network, fitted, 0)
    assert len(network.on_host) == 1


def test_engines_of_one_gpu_share_a_chain(
    memory: HostMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_module, "open_maker", lambda memory: None)
    first = chain_of(memory)  # type: ignore[arg-type]
    assert chain_of(memory) is first  # type: ignore[arg-type]
    assert chain_of(HostMemory()) is not first  # type: ignore[arg-type]


def test_without_compiler_and_torch_one_line_says_so(
    memory: HostMemory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def nothing(architecture: str) -> bytes:
        raise EngineError("there is neither nvcc nor NVRTC")

    monkeypatch.setattr("steadypose.engines.tensorrt.makers.kernel_code", nothing)
    monkeypatch.setattr("steadypose.engines.tensorrt.makers.find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING, "steadypose.tensorrt"):
        assert open_maker(memory) is None  # type: ignore[arg-type]
    assert len(caplog.records) == 1
    assert "on the CPU" in caplog.text
    assert "neither nvcc nor NVRTC" in caplog.text
