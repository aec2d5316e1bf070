"""What one thread runs batches with: a stream, buffers, execution contexts and their graphs."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from steadypose.engines.runtimes.base import Array
from steadypose.engines.tensorrt.arena import Place, lay_out, size_of
from steadypose.engines.tensorrt.logs import heard_errors
from steadypose.engines.tensorrt.memory import (
    Buffer,
    Bytes,
    DeviceMemory,
    GpuError,
    Graph,
    PageLocked,
    Stream,
)
from steadypose.engines.tensorrt.plan import Plan, last
from steadypose.errors import EngineError

_LOG = logging.getLogger("steadypose.tensorrt")


class MadeInput(Protocol):
    """Rows of an input that are made on the device, instead of being copied there."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor, rows first."""
        ...

    @property
    def table(self) -> Bytes:
        """``(nbytes,)``: what it is made from; goes to the device with the other inputs."""
        ...

    def make(self, target: int, table: int, memory: DeviceMemory, stream: Stream) -> None:
        """Put the work on the stream.

        Args:
            target: Device address of the tensor.
            table: Device address of the table.
            memory: The GPU, active.
            stream: Where the batch runs.
        """
        ...


class _Step:
    """How batches of one shape are run."""

    def __init__(
        self, fed: tuple[Place, ...], tables: tuple[Place, ...], made: tuple[Place, ...]
    ) -> None:
        self.fed, self.tables, self.made = fed, tables, made
        self.outputs: tuple[Place, ...] = ()
        self.runs = 0
        self.context: Any = None
        self.graph: Graph | None = None
        self.recordable = True

    @property
    def inputs(self) -> tuple[Place, ...]:
        """All that the network takes."""
        return self.fed + self.made

    def close(self) -> None:
        """Free the graph before the context whose memory it uses."""
        graph, self.graph = self.graph, None
        if graph is not None:
            graph.close()
        self.context = None


class Lane:
    """Runs batches of one engine, one at a time.

    A batch costs one upload of all inputs, one download of all outputs, and one launch. A shape
    that comes for the first time is run in a context for all shapes. When it comes again it gets a
    context of its own, as NVIDIA advises for graphs, whose work is recorded after that run and
    launched as a whole from then on. All contexts work in the same memory, one after the other.

    Args:
        plan: The engine.
        memory: The GPU.
        name: The network's, for messages.
        graphs: Most shapes that are remembered; the one used longest ago is forgotten. With 0
            nothing is recorded.
    """

    def __init__(self, plan: Plan, memory: DeviceMemory, name: str, graphs: int) -> None:
        self._plan, self._memory, self._name, self._graphs = plan, memory, name, graphs
        self._busy = threading.Lock()
        self._steps: OrderedDict[Any, _Step] = OrderedDict()
        self._any: Any = None
        self._any_step: _Step | None = None
        self._activations: Buffer | None = None
        self._into: _Arena | None = None
        self._out: _Arena | None = None
        self._stream: Stream | None = None
        self._closed = False

    def run(self, feeds: Mapping[str, Array], made: Mapping[str, MadeInput]) -> dict[str, Array]:
        """Run one batch that is known to fit; see ``TensorRtEngine.run``.

        After an EngineError the lane is to be closed.
        """
        with self._busy, self._memory.active():
            if self._closed:
                raise EngineError(f"{self._name}: the engine is closed")
            step, into, out, stream = self._prepare(feeds, made)
            for place in step.fed:
                np.copyto(place.view(into.host.array), feeds[place.name])
            for place in step.tables:
                np.copyto(place.view(into.host.array), made[place.name].table)
            sent = size_of(step.fed + step.tables)
            if sent:
                self._memory.upload(into.device, into.host, sent, stream)
            for table, place in zip(step.tables, step.made, strict=True):
                start = into.device.address
                made[place.name].make(
                    start + place.start, start + table.start, self._memory, stream
                )
            self._launch(step, stream)
            self._memory.download(out.host, out.device, size_of(step.outputs), stream)
            stream.synchronise()
            results = {p.name: p.view(out.host.array).copy() for p in step.outputs}
            self._record(step, stream)
            return results

    def outputs_of(self, feeds: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
        """Shapes of the outputs for such inputs; nothing is run."""
        with self._busy, self._memory.active():
            step, *_ = self._prepare(feeds, {})
            return {place.name: place.shape for place in step.outputs}

    def close(self) -> None:
        """Free everything, as soon as the batch that runs is done."""
        with self._busy:
            if not self._closed:
                self._closed = True
                self._memory.release(self._free)

    def __del__(self) -> None:
        self.close()

    def _prepare(
        self, feeds: Mapping[str, Array], made: Mapping[str, MadeInput]
    ) -> tuple[_Step, _Arena, _Arena, Stream]:
        """How to run these shapes, in buffers that are large enough."""
        if self._stream is None:
            self._stream = self._memory.stream()
        if self._activations is None:
            self._activations = self._memory.buffer(self._plan.activation_bytes)
        key = tuple(
            feeds[name].shape if name in feeds else (made[name].shape, made[name].table.size)
            for name in self._plan.inputs
        )
        step = self._steps.get(key)
        if step is None:
            step = self._new_step(feeds, made)
            self._steps[key] = step
            while len(self._steps) > max(self._graphs, 1):
                self._steps.popitem(last=False)[1].close()
        self._steps.move_to_end(key)
        if self._into is None or self._out is None:
            raise EngineError(f"{self._name}: the engine has no inputs or no outputs")
        return step, self._into, self._out, self._stream

    def _new_step(self, feeds: Mapping[str, Array], made: Mapping[str, MadeInput]) -> _Step:
        specs = self._plan.inputs
        fed = lay_out((n, feeds[n].shape, s.dtype) for n, s in specs.items() if n in feeds)
        byte = np.dtype(np.uint8)
        tables = lay_out(
            ((n, made[n].table.shape, byte) for n in specs if n not in feeds), size_of(fed)
        )
        pictures = lay_out(
            ((n, made[n].shape, s.dtype) for n, s in specs.items() if n not in feeds),
            size_of(fed + tables),
        )
        step = _Step(fed, tables, pictures)
        self._set_shapes(self._context_for_all(), step)
        step.outputs = lay_out(
            (n, self._shape_of(n), s.dtype) for n, s in self._plan.outputs.items()
        )
        self._into = self._at_least(self._into, size_of(fed + tables + pictures))
        self._out = self._at_least(self._out, size_of(step.outputs))
        self._set_addresses(self._any, step)
        self._any_step = step
        return step

    def _context_for_all(self) -> Any:
        if self._any is None:
            self._any = self._new_context()
        return self._any

    def _new_context(self) -> Any:
        assert self._activations is not None  # noqa: S101  # _prepare came first
        return self._plan.context(self._activations.address)

    def _shape_of(self, name: str) -> tuple[int, ...]:
        shape = tuple(self._any.get_tensor_shape(name))
        if any(side < 0 for side in shape):
            raise EngineError(
                f"{self._name}: the shape of output '{name}' depends on what is seen: {shape}"
            )
        return shape

    def _at_least(self, arena: _Arena | None, nbytes: int) -> _Arena:
        if arena is not None and arena.host.array.size >= nbytes:
            return arena
        # What was recorded has the old addresses.
        for step in self._steps.values():
            step.close()
            step.runs = 0
        self._any_step = None
        if arena is not None:
            arena.close()
        return _Arena(self._memory, nbytes)

    def _set_shapes(self, context: Any, step: _Step) -> None:
        with heard_errors() as errors:
            for place in step.inputs:
                if not context.set_input_shape(place.name, place.shape):
                    raise EngineError(
                        f"{self._name}: input '{place.name}' {place.shape} is refused: "
                        f"{last(errors)}"
                    )

    def _set_addresses(self, context: Any, step: _Step) -> None:
        assert self._into is not None and self._out is not None  # noqa: PT018, S101
        for places, arena in ((step.inputs, self._into), (step.outputs, self._out)):
            for place in places:
                context.set_tensor_address(place.name, arena.device.address + place.start)

    def _launch(self, step: _Step, stream: Stream) -> None:
        step.runs += 1
        if step.graph is not None:
            step.graph.launch(stream)
            return
        if step.runs == 2 and self._graphs > 0:
            step.context = self._new_context()
            self._set_shapes(step.context, step)
            self._set_addresses(step.context, step)
        if step.context is None and self._any_step is not step:
            self._set_shapes(self._context_for_all(), step)
            self._set_addresses(self._any, step)
            self._any_step = step
        self._enqueue(step.context or self._any, stream)

    def _enqueue(self, context: Any, stream: Stream) -> None:
        with heard_errors() as errors:
            if not context.execute_async_v3(stream.handle):
                raise EngineError(f"{self._name}: {self._plan.flavour} failed: {last(errors)}")

    def _record(self, step: _Step, stream: Stream) -> None:
        """Record the shape's work, once it ran in a context of its own: that set its kernels up."""
        if step.context is None or step.graph is not None or not step.recordable:
            return
        if self._plan.flavour.rtx:  # records for itself
            step.recordable = False
            return
        why = "it cannot be recorded"
        try:
            step.graph = self._memory.record(stream, lambda: self._enqueue(step.context, stream))
        except GpuError as error:
            # The batch is done; a GPU that is lost says so at the next.
            why = str(error)
        if step.graph is None:
            step.recordable = False
            shapes = ", ".join(str(place.shape) for place in step.inputs)
            _LOG.info("%s: no CUDA graph for %s: %s", self._name, shapes, why)

    def _free(self) -> None:
        """In the order in which one uses the other."""
        if self._stream is not None:
            try:
                self._stream.synchronise()
            except Exception as error:  # whatever failed was raised before
                _LOG.debug("%s: %s", self._name, error)
        for step in self._steps.values():
            step.close()
        self._steps.clear()
        self._any = self._any_step = None
        for thing in (self._into, self._out, self._activations, self._stream):
            if thing is not None:
                thing.close()
        self._into = self._out = self._activations = self._stream = None


class _Arena:
    """A block on the host and one of its size on the device."""

    def __init__(self, memory: DeviceMemory, nbytes: int) -> None:
        self.host: PageLocked = memory.page_locked(nbytes)
        self.device: Buffer = memory.buffer(nbytes)

    def close(self) -> None:
        """Free both."""
        self.host.close()
        self.device.close()
