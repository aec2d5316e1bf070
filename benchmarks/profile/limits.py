"""What this machine can do at most: multiply matrices, move memory, decode."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from steadypose.benchmarks.profile.alone import session
from steadypose.stream.batch.limits import cores
from steadypose.stream.sources import open_source

_SIDE = 1536
_TRIES = 8
_COPIED_BYTES = 256_000_000


def gemm_gflops(threads: int) -> dict[str, float]:
    """10^9 operations/s of a product of large FP32 matrices, by numpy and by the run time."""
    random = np.random.default_rng(0)
    one, other = (random.random((_SIDE, _SIDE), np.float32) for _ in range(2))
    out = np.empty_like(one)
    runtime = session(_product_graph(), threads)
    ways: dict[str, Callable[[], object]] = {
        "numpy": lambda: np.matmul(one, other, out=out),
        "onnxruntime": lambda: runtime.run(None, {"a": one, "b": other}),
    }
    return {name: 2 * _SIDE**3 / _least_s(way) / 1e9 for name, way in ways.items()}


def _product_graph() -> bytes:
    shape = [_SIDE, _SIDE]
    a, b, c = (helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in "abc")
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", [a, b], [c])
    opsets = [helper.make_opsetid("", 17)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())


def memory_gb_s() -> float:
    """10^9 bytes/s read and written while large arrays are copied, by all cores at once."""
    count = cores()
    pairs = [
        (np.zeros(_COPIED_BYTES // count, np.uint8), np.ones(_COPIED_BYTES // count, np.uint8))
        for _ in range(count)
    ]

    def copy() -> None:
        workers = [threading.Thread(target=np.copyto, args=pair) for pair in pairs]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    moved = 2 * sum(len(target) for target, _ in pairs)
    return moved / _least_s(copy) / 1e9


def _least_s(work: Callable[[], object]) -> float:
    """The shortest of some tries, in seconds; the first ones are slow."""
    spent = []
    for _ in range(_TRIES):
        started = time.perf_counter()
        work()
        spent.append(time.perf_counter() - started)
    return min(spent)


def decode_alone(clip: Path, frames: int) -> tuple[float, float]:
    """Wall and processor milliseconds a frame of decoding with nothing behind."""
    source = open_source(clip, max_frames=frames)
    started, processor = time.perf_counter(), time.process_time()
    count = sum(1 for _ in source)
    spent = time.perf_counter() - started, time.process_time() - processor
    source.close()
    return 1e3 * spent[0] / count, 1e3 * spent[1] / count
