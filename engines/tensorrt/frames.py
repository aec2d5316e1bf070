"""Frames on the GPU: each goes there once, for all networks that look at it."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator, Sequence

import numpy as np

from steadypose.engines.pixels import Image
from steadypose.engines.tensorrt.memory import Buffer, DeviceMemory, PageLocked, Stream

CAPACITY = 12
"""Frames that are kept: those between detector and refiner in a pipeline, and some to spare."""

_ROOM = 2
"""A frame may take a block of up to this many times its size."""


class _Block:
    """Room for one frame, on the device and, for its way there, on the host."""

    def __init__(self, memory: DeviceMemory, nbytes: int) -> None:
        self.host: PageLocked = memory.page_locked(nbytes)
        self.device: Buffer = memory.buffer(nbytes)
        self.nbytes = nbytes
        self.users = 0
        self.frame: weakref.ref[Image] | None = None
        """What lies in it; None where that is nobody else's business."""

    def holds(self, frame: Image) -> bool:
        return self.frame is not None and self.frame() is frame

    def is_free(self) -> bool:
        """Whether nobody can ask for what lies in it."""
        return not self.users and (self.frame is None or self.frame() is None)

    def close(self) -> None:
        self.host.close()
        self.device.close()


class Lease:
    """Frames that stay on the device while a batch runs; see ``FrameStore.lease``."""

    def __init__(self, memory: DeviceMemory) -> None:
        self._memory = memory
        self.blocks: dict[int, _Block] = {}
        self.waiting: list[tuple[Image, _Block]] = []
        self.uploaded: list[tuple[Image, _Block]] = []

    def addresses(self, frames: Sequence[Image]) -> list[int]:
        """Where they lie, or will once they are uploaded."""
        return [self.blocks[id(frame)].device.address for frame in frames]

    def upload(self, stream: Stream) -> None:
        """Put the copies of those that are not yet there on the stream."""
        while self.waiting:
            frame, block = self.waiting.pop()
            staged = block.host.array[: frame.nbytes]
            np.copyto(staged.reshape(frame.shape), frame)
            self.uploaded.append((frame, block))
            self._memory.upload(block.device, block.host, frame.nbytes, stream)


class FrameStore:
    """Keeps the frames that networks looked at last, so that the next network finds them there.

    A frame is known again by its identity. Only read-only arrays, as those of ``Frame`` are, are
    found again: what may be written to could be another picture by now.

    Args:
        memory: The GPU.
        capacity: Frames that are kept. More than these are there only while all are in use.
    """

    def __init__(self, memory: DeviceMemory, capacity: int = CAPACITY) -> None:
        self._memory, self._capacity = memory, capacity
        self._guard = threading.Lock()
        self._blocks: list[_Block] = []  # the one used longest ago first

    @contextlib.contextmanager
    def lease(self, frames: Sequence[Image]) -> Iterator[Lease]:
        """Hold frames ``(H, W, 3)`` uint8 on the device, while the GPU is active.

        The one who holds them puts ``Lease.upload`` on a stream before what reads them, and does
        not let go before that stream is done. Two threads that hold a new frame at the same time
        both upload it: one need not wait for the other's stream.
        """
        lease = Lease(self._memory)
        try:
            for frame in frames:
                if id(frame) not in lease.blocks:
                    block, there = self._take(frame)
                    lease.blocks[id(frame)] = block
                    if not there:
                        lease.waiting.append((frame, block))
            yield lease
        except BaseException:
            self._discard(lease)
            raise
        self._give_back(lease)

    def close(self) -> None:
        """Free all that is not in use."""
        with self._guard:
            idle = [block for block in self._blocks if not block.users]
            self._blocks = [block for block in self._blocks if block.users]
            self._capacity = 0
        for block in idle:
            block.close()

    def __len__(self) -> int:
        return len(self._blocks)

    def _take(self, frame: Image) -> tuple[_Block, bool]:
        """A block for the frame, and whether the frame lies in it."""
        closing: list[_Block] = []
        with self._guard:
            block = next((b for b in self._blocks if b.holds(frame)), None)
            there = block is not None
            if block is None:
                block = self._room(frame.nbytes, closing)
            if block is not None:
                block.users += 1
                self._blocks.remove(block)
                self._blocks.append(block)
        for each in closing:
            each.close()
        if block is None:
            block = _Block(self._memory, frame.nbytes)
            block.users = 1
            with self._guard:
                self._blocks.append(block)
        return block, there

    def _room(self, nbytes: int, closing: list[_Block]) -> _Block | None:
        """A block that may be filled anew; None where one is to be made."""
        fitting = [b for b in self._blocks if nbytes <= b.nbytes <= _ROOM * nbytes and not b.users]
        full = len(self._blocks) >= self._capacity
        chosen = next((b for b in fitting if b.is_free()), fitting[0] if full and fitting else None)
        if chosen is not None:
            chosen.frame = None
            return chosen
        idle = [block for block in self._blocks if not block.users]
        for block in idle[: max(0, len(self._blocks) + 1 - self._capacity)]:
            self._blocks.remove(block)
            closing.append(block)
        return None

    def _give_back(self, lease: Lease) -> None:
        closing: list[_Block] = []
        with self._guard:
            for frame, block in lease.uploaded:
                known = any(other.holds(frame) for other in self._blocks)
                if not frame.flags.writeable and not known:
                    block.frame = weakref.ref(frame)
            for block in lease.blocks.values():
                block.users -= 1
                if not block.users and len(self._blocks) > self._capacity:
                    self._blocks.remove(block)
                    closing.append(block)
        for block in closing:
            block.close()

    def _discard(self, lease: Lease) -> None:
        """Nothing is known of what the stream did; freeing a block waits for the GPU."""
        closing: list[_Block] = []
        with self._guard:
            for block in lease.blocks.values():
                block.users -= 1
                block.frame = None
                if not block.users:
                    self._blocks.remove(block)
                    closing.append(block)
        for block in closing:
            block.close()
