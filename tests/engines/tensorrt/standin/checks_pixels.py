"""Pictures made on the stand-in's device; the kernels run when their stream is waited for."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.crops import cut
from steadypose.engines.pixels import Pixels, Planes, infer_pixels
from steadypose.engines.tensorrt import chain
from steadypose.engines.tensorrt.engine import TensorRtEngine
from steadypose.engines.tensorrt.makers import KernelMaker
from steadypose.engines.tensorrt.memory import DeviceMemory, GpuError, Stream
from tests.engines.tensorrt.host_kernels import host_kernels
from tests.engines.tensorrt.standin import fake_tensorrt as fake
from tests.engines.tensorrt.standin.making import (
    MOST,
    assert_nothing_held,
    counts,
    expected,
    fail,
    make_engine,
    make_feeds,
    refused,
)

SIZE = (32, 48)
_WORK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
COPIES = ("uploads", "downloads")


class QueuedMaker(KernelMaker):
    """Puts the kernels on the stand-in's streams."""

    def __init__(self) -> None:
        super().__init__(host_kernels(Path(os.environ["HOST_KERNELS"])))
        self._queued: list[Any] = []

    def _launch(
        self, name: str, pixels: int, pictures: int, arguments: Sequence[Any], stream: Stream
    ) -> None:
        run = super()._launch

        def work(_argument: Any) -> int:
            run(name, pixels, pictures, arguments, stream)
            return 0

        self._queued.append(_WORK(work))
        handle = ctypes.c_void_p(stream.handle)
        if fake.cuda.standin_launch(handle, self._queued[-1], None):
            raise GpuError("cuLaunchKernel: refused")


def _open_maker(memory: DeviceMemory) -> QueuedMaker:
    assert memory.lost is None
    return QueuedMaker()


chain.open_maker = _open_maker


def frees_all(check: Callable[[], None]) -> Callable[[], None]:
    """Once the check is over and its engines are gone, nothing is left on the device."""

    @functools.wraps(check)
    def checked() -> None:
        check()
        gc.collect()
        assert_nothing_held()

    return checked


def new_frame(seed: int) -> Any:
    frame = np.random.default_rng(seed).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    frame.flags.writeable = False
    return frame


def new_pixels(frames: Sequence[Any], seed: int = 0) -> Pixels:
    corners = np.random.default_rng(seed).uniform(-20, 70, (len(frames), 2))
    boxes = np.concatenate([corners, corners + np.array([30, 50])], 1)
    return cut(frames, boxes, SIZE, 1.2).pixels


def assert_seen(engine: TensorRtEngine, pixels: Pixels, seed: int = 0) -> None:
    """The result is that of the same pictures made on the host."""
    feeds = make_feeds(pixels.source.shape[0], SIZE, seed)
    feeds["image"] = pixels.array()
    small = {name: value for name, value in feeds.items() if name != "image"}
    results = infer_pixels(engine, "image", pixels, small)
    for name, wanted in expected(feeds).items():
        np.testing.assert_array_equal(results[name], wanted, err_msg=name)


@frees_all
def check_results_are_those_of_pictures_made_on_the_host() -> None:
    engine = make_engine()
    for seed in range(4):  # in all shapes' context, in its own, as a graph
        for rows in (3, MOST, 1):
            pixels = new_pixels([new_frame(seed)] * rows, seed)
            assert_seen(engine, pixels, seed)
            assert_seen(engine, pixels.mirrored(), seed)
    engine.close()


@frees_all
def check_a_frame_goes_up_once_for_all_engines() -> None:
    engines = [make_engine(), make_engine()]
    for seed in range(4):
        frame = new_frame(seed)
        for i, engine in enumerate(engines * 2):
            before = counts(*COPIES)
            assert_seen(engine, new_pixels([frame] * 3, i))
            copies = [b - a for a, b in zip(before, counts(*COPIES), strict=True)]
            assert copies == [2 if i == 0 else 1, 1], (seed, i, copies)
    for engine in engines:
        engine.close()


@frees_all
def check_a_large_batch_is_split() -> None:
    engine, frames = make_engine(), [new_frame(seed) for seed in range(3)]
    rows = 2 * MOST + 3
    before = counts(*COPIES)
    assert_seen(engine, new_pixels([frames[i % 3] for i in range(rows)]))
    copies = [b - a for a, b in zip(before, counts(*COPIES), strict=True)]
    assert copies == [3 + len(frames), 3]
    engine.close()


@frees_all
def check_a_failed_batch_is_followed_by_a_right_one() -> None:
    engine = make_engine()
    for seed, (site, nth) in enumerate(product(("upload", "launch", "download", "sync"), (1, 2))):
        frames = [new_frame(seed), new_frame(100 + seed)]
        fail(site, nth, 2)
        with refused("cuda:0"):
            for _ in range(nth):
                assert_seen(engine, new_pixels(frames))
        assert_seen(engine, new_pixels(frames, 1))
        assert_seen(engine, new_pixels(frames, 2))
    engine.close()


@frees_all
def check_pictures_of_another_kind_are_refused() -> None:
    engine = make_engine()
    pixels = new_pixels([new_frame(1)])
    small = {name: value for name, value in make_feeds(1).items() if name != "image"}
    with refused("input 'image' is float32, expected uint8"):
        infer_pixels(engine, "image", replace(pixels, planes=Planes()), small)
    large = cut([new_frame(1)], np.array([[0.0, 0, 20, 20]]), (64, 96), 1.2).pixels
    with refused("input 'image' is (1, 64, 96, 3), expected (N, 16 to 48, 16 to 64, 3)"):
        infer_pixels(engine, "image", large, small)
    assert_seen(engine, pixels)
    engine.close()


@frees_all
def check_threads_find_each_others_frames() -> None:
    engine, frames = make_engine(), [new_frame(seed) for seed in range(5)]
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for i in np.random.default_rng(seed).integers(0, len(frames), 30):
                assert_seen(engine, new_pixels([frames[i], frames[-1]], seed), seed)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    engine.close()
