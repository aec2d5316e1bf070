"""TensorRT engines as the rest of Steadypose runs networks."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.engines.pixels import Pixels
from steadypose.engines.runtimes.base import Array, TensorSpec
from steadypose.engines.tensorrt.chain import DeviceChain, chain_of
from steadypose.engines.tensorrt.device import Gpu
from steadypose.engines.tensorrt.feeds import check_feeds, has_rows, joined, parts_of
from steadypose.engines.tensorrt.flavours import Flavour
from steadypose.engines.tensorrt.lane import Lane, MadeInput
from steadypose.engines.tensorrt.manifest import Manifest
from steadypose.engines.tensorrt.memory import DeviceMemory, open_memory
from steadypose.engines.tensorrt.plan import Plan
from steadypose.errors import EngineError

GRAPHS = 64
"""Shapes whose CUDA graphs a thread keeps."""


class TensorRtEngine:
    """A network in TensorRT, on one GPU; see ``runtimes.Engine``.

    Each thread that runs it has a stream, buffers and execution contexts of its own, until the
    thread ends. Nothing is allocated once a thread has seen its largest batch.

    Args:
        plan: The built engine's file.
        manifest: The record beside it; what differs from it is not loaded.
        gpu: The GPU.
        flavour: The TensorRT.
        path: The network's file; without it the one that the manifest names.
        max_batch: No more rows than this are run at once; without it as many as the engine takes.
            More are split.
        graphs: Most shapes of which a thread keeps a CUDA graph; 0 for none.
        memory: What moves data; without it pycuda where it is installed, else torch.

    Raises:
        EngineError: The engine cannot be loaded; one line that says why and what to do.
    """

    def __init__(
        self,
        plan: Path,
        manifest: Manifest,
        gpu: Gpu,
        flavour: Flavour,
        *,
        path: Path | None = None,
        max_batch: int | None = None,
        graphs: int = GRAPHS,
        memory: DeviceMemory | None = None,
    ) -> None:
        self.path = Path(manifest.source) if path is None else path
        self.name = self.path.stem
        self.runtime = " ".join(
            (flavour.name, flavour.version, manifest.key.precision, gpu.architecture)
        )
        self.memory = memory or open_memory(gpu)
        with self.memory.active():
            self._plan = Plan(plan, manifest, gpu, flavour, graphs=graphs > 0)
        self.inputs: Mapping[str, TensorSpec] = self._plan.inputs
        self.outputs: Mapping[str, TensorSpec] = self._plan.outputs
        self._graphs = graphs
        self._least, self._most = self._rows(max_batch)
        self._local = threading.local()
        # The garbage collector may close a lane while this thread holds the guard.
        self._guard = threading.RLock()
        self._lanes: weakref.WeakSet[Lane] = weakref.WeakSet()
        self._closed = False
        self._chain: DeviceChain | None = None
        self.memory.users.add(self)

    def infer(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run one batch; see ``Engine.infer``."""
        return self.run(feeds, {})

    def run(self, feeds: Mapping[str, Array], made: Mapping[str, MadeInput]) -> dict[str, Array]:
        """Run one batch of which some inputs are made on the GPU.

        Args:
            feeds: The inputs that are there, by name.
            made: The others, by name. Their rows cannot be split: there must not be more of them
                than ``max_batch``.

        Returns:
            Arrays of the caller's own, by the outputs' names.

        Raises:
            EngineError: The inputs are not what the network takes, or it could not be run; one
                line. The next batch may be tried, unless the GPU is lost, which the line says.
        """
        rows = check_feeds(self.name, self.inputs, self._plan.limits, {**feeds, **made})
        if rows is None:
            return self._run(feeds, made)
        if rows == 0:
            return self._nothing(feeds, made)
        if rows <= self._most:
            self._check_rows(rows)
            return self._run(feeds, made)
        if made:
            raise EngineError(f"{self.name}: {rows} rows are made at once, most are {self._most}")
        parts = parts_of(rows, self._most)
        self._check_rows(min(part.stop - part.start for part in parts))
        batched = {name for name, spec in self.inputs.items() if has_rows(spec)}
        done = [
            self._run({n: v[part] if n in batched else v for n, v in feeds.items()}, {})
            for part in parts
        ]
        return {name: joined(self.name, spec, done) for name, spec in self.outputs.items()}

    def infer_pixels(
        self, name: str, pixels: Pixels, feeds: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Run one batch whose pictures are made on the GPU; see ``pixels.DeviceEngine``."""
        chain = self._chain
        if chain is None:
            chain = self._chain = chain_of(self.memory)
        return chain.infer(self, name, pixels, feeds)

    @property
    def max_batch(self) -> int:
        """Most rows that are run at once."""
        return self._most

    def close(self) -> None:
        """Free everything, as soon as the batches that run are done; may be called twice."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._chain = None
            lanes = list(self._lanes)
        for lane in lanes:
            lane.close()
        self.memory.release(self._plan.close)

    def __del__(self) -> None:
        if hasattr(self, "_closed"):
            self.close()

    def _run(self, feeds: Mapping[str, Array], made: Mapping[str, MadeInput]) -> dict[str, Array]:
        with self._working_lane() as lane:
            return lane.run(feeds, made)

    @contextlib.contextmanager
    def _working_lane(self) -> Iterator[Lane]:
        """The calling thread's lane; one in which something failed is not used again."""
        lane = self._lane()
        try:
            yield lane
        except BaseException:
            # What it put on its stream may be half done, its buffers half made.
            self._local.lane = None
            lane.close()
            raise

    def _lane(self) -> Lane:
        """The calling thread's; it goes when the thread ends."""
        lane: Lane | None = getattr(self._local, "lane", None)
        with self._guard:
            if self._closed:
                raise EngineError(f"{self.name}: the engine is closed")
            if lane is None:
                lane = Lane(self._plan, self.memory, self.name, self._graphs)
                self._lanes.add(lane)
                self._local.lane = lane
        return lane

    def _rows(self, max_batch: int | None) -> tuple[int, int]:
        """Least and most rows of a batch."""
        limits = [self._plan.limits[n] for n, spec in self.inputs.items() if has_rows(spec)]
        least = max((low[0] for low, _ in limits), default=1)
        most = min((high[0] for _, high in limits), default=1)
        if max_batch is not None and max_batch < least:
            raise EngineError(f"{self.name}: max_batch {max_batch}: the engine takes {least} up")
        return least, most if max_batch is None else min(most, max_batch)

    def _check_rows(self, rows: int) -> None:
        if rows < self._least:
            raise EngineError(
                f"{self.name}: a batch of {rows}: the engine takes {self._least} to {self._most}"
            )

    def _nothing(
        self, feeds: Mapping[str, Array], made: Mapping[str, MadeInput]
    ) -> dict[str, Array]:
        """Outputs of no rows: as of the least batch, without the rows."""
        given: dict[str, Any] = {**feeds, **made}
        shapes = {
            name: (self._least, *given[name].shape[1:]) if has_rows(spec) else given[name].shape
            for name, spec in self.inputs.items()
        }
        like = {
            name: np.broadcast_to(np.zeros((), spec.dtype), shapes[name])
            for name, spec in self.inputs.items()
        }
        with self._working_lane() as lane:
            found = lane.outputs_of(like)
        return {
            name: np.zeros((0, *found[name][1:]) if has_rows(spec) else found[name], spec.dtype)
            for name, spec in self.outputs.items()
        }
