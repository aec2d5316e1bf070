"""A device made of the host's memory, and a network on it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.runtimes import TensorSpec
from steadypose.engines.tensorrt.lane import MadeInput
from steadypose.engines.tensorrt.makers import KernelMaker
from steadypose.engines.tensorrt.memory import rounded

RNG = np.random.default_rng(3)
BOXES = np.array([[10.0, 10, 60, 80], [50, 5, 110, 85], [-20, -5, 30, 60]], np.float32)
SIZE = (64, 48)


def new_frame(height: int = 90, width: int = 120, *, fixed: bool = True) -> NDArray[np.uint8]:
    frame = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    frame.flags.writeable = not fixed
    return frame


class Block:
    """On the "device" or page-locked."""

    def __init__(self, memory: HostMemory, nbytes: int) -> None:
        self.memory, self.nbytes = memory, nbytes
        self.array = np.full(nbytes + 256, 99, np.uint8)
        start = -self.array.ctypes.data % 256
        self.array = self.array[start : start + nbytes]
        self.address = self.array.ctypes.data
        self.open = True
        memory.held.add(self)

    def close(self) -> None:
        self.open = False
        self.memory.held.discard(self)


class Queue:
    """A stream that does nothing until somebody waits for it."""

    handle = 0

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def synchronise(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()

    def close(self) -> None:
        assert not self.waiting


class HostMemory:
    """Counts what goes up and down."""

    name, lost = "host", None
    gpu: Any = SimpleNamespace(architecture="sm_90", index=0)

    def __init__(self) -> None:
        self.users: WeakSet[Any] = WeakSet()
        self.held: set[Block] = set()
        self.ups: list[int] = []
        self.downs: list[int] = []
        self.depth = 0

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        self.depth += 1
        yield
        self.depth -= 1

    def buffer(self, nbytes: int) -> Block:
        assert self.depth
        return Block(self, nbytes)

    page_locked = buffer

    def stream(self) -> Queue:
        return Queue()

    def release(self, free: Callable[[], object]) -> None:
        free()

    def upload(self, target: Block, source: Block, nbytes: int, stream: Queue) -> None:
        assert target.open
        assert source.open
        self.ups.append(nbytes)
        stream.waiting.append(lambda: np.copyto(target.array[:nbytes], source.array[:nbytes]))

    def download(self, target: Block, source: Block, nbytes: int, stream: Queue) -> None:
        self.downs.append(nbytes)
        stream.waiting.append(lambda: np.copyto(target.array[:nbytes], source.array[:nbytes]))

    def take(self) -> tuple[list[int], list[int]]:
        """Bytes of the copies up and down since the last time."""
        ups, downs = self.ups, self.downs
        self.ups, self.downs = [], []
        return ups, downs


class QueuedMaker(KernelMaker):
    """Makes when the stream comes to it, as a GPU does."""

    def _launch(self, name: str, pixels: int, pictures: int, arguments: Any, stream: Any) -> None:
        run = super()._launch
        stream.waiting.append(lambda: run(name, pixels, pictures, arguments, stream))


class Network:
    """Gives back what it saw: its input ``image`` and the sum of the others."""

    name, max_batch = "network", 8

    def __init__(self, memory: HostMemory, shape: tuple[int | None, ...] = (None,)) -> None:
        self.memory = memory
        image = TensorSpec(name="image", dtype=np.dtype(np.uint8), shape=shape)
        extra = TensorSpec(name="extra", dtype=np.dtype(np.float32), shape=(None, 2))
        seen = TensorSpec(name="seen", dtype=np.dtype(np.uint8), shape=shape)
        self.inputs, self.outputs = {"image": image, "extra": extra}, {"seen": seen}
        self.on_host: list[Any] = []

    def infer(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        self.on_host.append(feeds["image"])
        return {"seen": feeds["image"]}

    def run(self, feeds: Mapping[str, Any], made: Mapping[str, MadeInput]) -> dict[str, Any]:
        (picture,) = made.values()
        memory, stream = self.memory, Queue()
        with memory.active():
            small = [np.asarray(v).reshape(-1).view(np.uint8) for v in feeds.values()]
            sent = np.concatenate([picture.table, *small])
            dtype = np.float32 if picture.shape[1] == 3 else np.uint8
            nbytes = int(np.prod(picture.shape)) * np.dtype(dtype).itemsize
            start = rounded(sent.size)
            arena, host = memory.buffer(start + nbytes), memory.page_locked(sent.size)
            host.array[:] = sent
            if sent.size:
                memory.upload(arena, host, sent.size, stream)
            picture.make(arena.address + start, arena.address, memory, stream)  # type: ignore[arg-type]
            out = memory.page_locked(nbytes)
            whole = SimpleNamespace(array=arena.array[start:])
            memory.download(out, whole, nbytes, stream)  # type: ignore[arg-type]
            stream.synchronise()
            seen = out.array.view(dtype).reshape(picture.shape).copy()
            for block in (arena, host, out):
                block.close()
        return {"seen": seen}
