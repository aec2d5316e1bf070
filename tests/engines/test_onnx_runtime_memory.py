"""Memory of ONNX Runtime over batches of many sizes, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from onnx import TensorProto, helper, save

_PROGRAM = """
import itertools, sys
from pathlib import Path
import numpy as np
from steadypose.engines.runtimes.onnx_runtime import OnnxRuntimeEngine

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

engine = OnnxRuntimeEngine(Path(sys.argv[1]), threads=1)
run = lambda n, h, w: engine.infer({"image": np.zeros((n, 3, h, w), np.float32)})
run(8, 256, 192)
full = resident_mb()
sides = (128, 64), (192, 96), (256, 128), (256, 192)
sizes = [(n, h, w) for n in (1, 2, 3, 5, 7) for h, w in sides]
for n, h, w in (sizes + sizes[::-1] + sizes[::3]):
    run(n, h, w)
print(resident_mb() - full)
"""


def _network(path: Path) -> Path:
    """Layers that hold several maps at once, wide ones and narrow ones, at next to no cost."""
    nodes, held = [], ["image"]
    for layer in range(6):
        wide, sum_ = f"wide{layer}", f"sum{layer}"
        nodes.append(helper.make_node("Concat", held[-3:], [wide], axis=1))
        nodes.append(helper.make_node("Relu", [wide], [sum_]))
        held.append(sum_)
    nodes.append(helper.make_node("ReduceMean", [held[-1]], ["mean"], keepdims=0))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, [])
    graph = helper.make_graph(nodes, "maps", [image], [mean])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_sizes_that_come_later_take_no_more_than_the_largest(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(_network(tmp_path / "maps.onnx"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 20  # it was several hundred
