"""What a network takes alone: the run time's own loop over the very batches of a run.

The same file, threads and session options as the pipeline's, inputs and outputs bound beforehand,
nothing between the calls. ``spinning`` lets the run time's threads wait actively, as is its default
and not the pipeline's, where they would take the cores from decoding.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import onnxruntime as ort

from steadypose.benchmarks.calls import Call
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.runtimes import Engine
from steadypose.engines.runtimes.onnx_runtime import DISABLED_OPTIMISERS


def session(graph: bytes, threads: int, *, spinning: bool = False) -> ort.InferenceSession:
    """A session with the options that the pipeline's have."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    return ort.InferenceSession(
        graph,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=DISABLED_OPTIMISERS,
    )


class Replay:
    """The calls of a stage, made again without the pipeline.

    Args:
        calls: With their feeds.
        threads: Of one call; 0 all.
        spinning: Let threads wait actively.
    """

    def __init__(self, calls: Sequence[Call], threads: int, *, spinning: bool = False) -> None:
        sessions = {
            engine: session(graph_of(engine), threads, spinning=spinning)
            for engine in dict.fromkeys(call.engine for call in calls)
        }
        self._bound = [(sessions[c.engine], _binding(sessions[c.engine], c)) for c in calls]

    def seconds(self) -> tuple[float, float]:
        """All calls once, in their order: wall and processor seconds."""
        started, processor = time.perf_counter(), time.process_time()
        for runtime, binding in self._bound:
            runtime.run_with_iobinding(binding)
        return time.perf_counter() - started, time.process_time() - processor


def graph_of(engine: Engine) -> bytes:
    """What the processor runs of a network: FP16 as FP32, INT8 as it is."""
    return float32_graph(engine.path)


def _binding(runtime: ort.InferenceSession, call: Call) -> ort.IOBinding:
    binding = runtime.io_binding()
    for name, value in call.feeds.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(value))
    for output in runtime.get_outputs():
        binding.bind_output(output.name)
    return binding
