"""From frame to joints on the GPU: the frame goes up once, crops are made there, joints come down.

A batch costs one upload of its small inputs (boxes, poses, priors) and one download. The frame
itself goes up with the first network that looks at it; what the detector saw, estimator and refiner
find there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, Protocol

import numpy as np

from steadypose.engines.crops import Cuts
from steadypose.engines.detectors.base import Fit
from steadypose.engines.pixels import Pixels, Source
from steadypose.engines.runtimes.base import Array, TensorSpec
from steadypose.engines.tensorrt.crops import FitPlan, cut_records, fit_plan
from steadypose.engines.tensorrt.feeds import has_rows, joined, parts_of
from steadypose.engines.tensorrt.frames import FrameStore, Lease
from steadypose.engines.tensorrt.lane import MadeInput
from steadypose.engines.tensorrt.makers import PixelMaker, open_maker
from steadypose.engines.tensorrt.memory import Buffer, Bytes, DeviceMemory, Stream, rounded

_TABLES = 16
"""Pairs of a frame's size and a detector's whose tables are kept."""

_NOTHING: Bytes = np.zeros(0, np.uint8)


class MakingEngine(Protocol):
    """An engine that runs batches whose inputs are made on the device."""

    name: str

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """What goes in."""
        ...

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """What comes out."""
        ...

    @property
    def max_batch(self) -> int:
        """Most rows that are run at once."""
        ...

    def infer(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """See ``runtimes.Engine``."""
        ...

    def run(self, feeds: Mapping[str, Array], made: Mapping[str, MadeInput]) -> dict[str, Array]:
        """See ``TensorRtEngine.run``."""
        ...


class DeviceChain:
    """Runs batches whose pictures are made on one GPU. May be used from several threads.

    Args:
        memory: The GPU.
        maker: What makes the pictures there; None makes them on the host.
    """

    def __init__(self, memory: DeviceMemory, maker: PixelMaker | None) -> None:
        self.maker, self.frames = maker, FrameStore(memory)
        self._memory = memory
        self._guard = threading.Lock()
        self._tables: OrderedDict[object, _Tables] = OrderedDict()
        self._scratch = threading.local()
        memory.users.add(self)

    def infer(
        self, engine: MakingEngine, name: str, pixels: Pixels, feeds: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Run one batch; see ``pixels.DeviceEngine``.

        A batch of more rows than the engine takes at once is split.

        Raises:
            EngineError: As of ``TensorRtEngine.run``.
        """
        rows = pixels.source.shape[0]
        if self.maker is None or rows == 0 or not _makeable(pixels):
            return engine.infer({name: pixels.array(), **feeds})
        if rows <= engine.max_batch:
            return self._run(engine, name, pixels, feeds)
        batched = {n for n, spec in engine.inputs.items() if has_rows(spec)}
        done = []
        for part in parts_of(rows, engine.max_batch):
            fed = {n: v[part] if n in batched else v for n, v in feeds.items()}
            some = replace(pixels, source=_part_of(pixels.source, part))
            done.append(self._run(engine, name, some, fed))
        return {n: joined(engine.name, spec, done) for n, spec in engine.outputs.items()}

    def close(self) -> None:
        """Free what no batch uses; pictures are made on the host from now on."""
        maker, self.maker = self.maker, None
        with self._guard:
            self._tables.clear()
        self.frames.close()
        self._scratch = threading.local()
        if maker is not None:
            self._memory.release(maker.close)

    def __del__(self) -> None:
        if hasattr(self, "_scratch"):
            self.close()

    def _run(
        self, engine: MakingEngine, name: str, pixels: Pixels, feeds: Mapping[str, Array]
    ) -> dict[str, Array]:
        assert self.maker is not None  # noqa: S101  # infer looked
        with self._memory.active(), self.frames.lease(pixels.source.frames) as lease:
            made = _Made(self.maker, lease, pixels, self._fit_tables, self._room)
            return engine.run(feeds, {name: made})

    def _fit_tables(self, fit: Fit) -> _Tables:
        """The tables of a frame's size on the device; sent there once."""
        key = (fit.frame.shape[:2], fit.size, fit.resized, fit.way)
        with self._guard:
            tables = self._tables.get(key)
            if tables is None:
                tables = self._tables[key] = _Tables(self._memory, fit_plan(fit))
                while len(self._tables) > _TABLES:
                    # Freed when the last batch that uses it drops it.
                    self._tables.popitem(last=False)
            self._tables.move_to_end(key)
            return tables

    def _room(self, nbytes: int) -> int:
        """Address of at least ``nbytes`` of the calling thread's own."""
        held: Buffer | None = getattr(self._scratch, "buffer", None)
        if held is None or held.nbytes < nbytes:
            held = self._scratch.buffer = self._memory.buffer(nbytes)
        return held.address


class _Tables:
    """What a frame's fitting is computed from, on the device."""

    def __init__(self, memory: DeviceMemory, plan: FitPlan) -> None:
        self.plan = plan
        starts, end = [], 0
        for table in plan.tables:
            starts.append(end)
            end += rounded(table.nbytes)
        host, stream = memory.page_locked(end), memory.stream()
        self._buffer = memory.buffer(end)
        for start, table in zip(starts, plan.tables, strict=True):
            host.array[start : start + table.nbytes] = table.view(np.uint8)
        memory.upload(self._buffer, host, end, stream)
        # Other threads use them on streams of their own.
        stream.synchronise()
        host.close()
        stream.close()
        self.addresses = [self._buffer.address + start for start in starts]


class _FitTables(Protocol):
    def __call__(self, fit: Fit) -> _Tables: ...


class _Room(Protocol):
    def __call__(self, nbytes: int) -> int: ...


@dataclass(frozen=True, eq=False)
class _Made:
    """See ``lane.MadeInput``."""

    maker: PixelMaker
    lease: Lease
    pixels: Pixels
    tables: _FitTables
    room: _Room

    @property
    def shape(self) -> tuple[int, ...]:
        n, height, width, channels = self.pixels.source.shape
        return (n, height, width, channels) if self.pixels.planes is None else (n, 3, height, width)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the engine compares with its input's."""
        return np.dtype(np.uint8 if self.pixels.planes is None else np.float32)

    @cached_property
    def table(self) -> Bytes:
        source = self.pixels.source
        if not isinstance(source, Cuts):
            return _NOTHING
        return cut_records(source, self.lease.addresses(source.frames)).view(np.uint8)

    def make(
        self,
        target: int,
        table: int,
        memory: DeviceMemory,  # noqa: ARG002  # the one that all here works on
        stream: Stream,
    ) -> None:
        self.lease.upload(stream)
        source, planes = self.pixels.source, self.pixels.planes
        images = target if planes is None else self.room(prod(source.shape))
        addresses = self.lease.addresses(source.frames)
        if isinstance(source, Cuts):
            mirror = self.pixels.mirror
            self.maker.cut(source, addresses, table, images, stream, mirror=mirror)
        elif isinstance(source, Fit):
            tables = self.tables(source)
            where = tables.addresses
            self.maker.fit(source, tables.plan, addresses[0], where, images, stream)
        if planes is not None:
            self.maker.planes(planes, source.shape, images, target, stream)


def _makeable(pixels: Pixels) -> bool:
    source = pixels.source
    known = isinstance(source, Cuts) or (isinstance(source, Fit) and not pixels.mirror)
    return known and all(f.ndim == 3 and f.shape[2] == 3 and f.size for f in source.frames)


def _part_of(source: Source, part: slice) -> Source:
    if not isinstance(source, Cuts):  # a fitted frame is one row
        return source
    return replace(source, frames=source.frames[part], to_crop=source.to_crop[part])


_guard = threading.Lock()


def chain_of(memory: DeviceMemory) -> DeviceChain:
    """The chain of a GPU, shared by all engines there; the kernels are compiled at the first call.

    Raises:
        GpuError: The GPU is lost.
    """
    with _guard:
        for user in list(memory.users):
            if isinstance(user, DeviceChain):
                return user
        return DeviceChain(memory, open_maker(memory))
