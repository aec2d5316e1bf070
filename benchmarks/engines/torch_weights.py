"""An exported refiner's weights in the torch network that it was exported from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from steadypose.engines.refiner.precision import float32_graph
from steadypose.errors import ModelError

if TYPE_CHECKING:
    from steadypose.engines.refiner.network import Refiner

Array = NDArray[Any]


def refiner_in_torch(path: Path) -> Refiner:
    """The network of an exported refiner in torch, float32 on the CPU.

    Args:
        path: An ONNX file of ``steadypose export``, in FP16 or FP32.

    Raises:
        ModelError: The file's weights are not those of this version's network.
    """
    import torch

    from steadypose.engines.refiner.network import Refiner

    graph = onnx.load_from_string(float32_graph(path)).graph
    found = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    for variant in ("fast", "accurate"):
        model = Refiner(variant)
        wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
        state = _state(graph, found, wanted)
        if state is not None:
            tensors = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
            model.load_state_dict(tensors, strict=False)
            return model.eval()
    raise ModelError(f"{path}: not weights of this version's refiner network; export it again")


def _state(
    graph: onnx.GraphProto, found: dict[str, Array], wanted: dict[str, tuple[int, ...]]
) -> dict[str, Array] | None:
    """Every weight by its name in torch; None unless all of them are there in the right shape."""
    state = {name: found[name] for name in wanted if name in found}
    folded = _folded(graph, found, set(wanted))
    stem = wanted["pose_stem"]
    state["pose_stem"] = next(folded, np.zeros(0)).reshape(-1)
    rows = [value.reshape(-1) for value in folded]
    if state["pose_stem"].size != np.prod(stem) or len(rows) != 1 + wanted["trust"][0]:
        return None
    state["pose_stem"] = state["pose_stem"].reshape(stem)
    state["sharpness"], state["trust"] = rows[0], np.stack(rows[1:])
    # A calibration that changes nothing is left out by the exporter.
    missing = set(wanted) - set(state) - {"calibration_scale", "calibration_bias"}
    fits = all(value.shape == wanted[name] for name, value in state.items())
    return state if fits and not missing else None


def _folded(graph: onnx.GraphProto, found: dict[str, Array], known: set[str]) -> Iterator[Array]:
    """Weights that the exporter reshaped and so renamed, in the order of their use.

    They are ``pose_stem``, ``sharpness`` and the rows of ``trust``, all of them factors.
    """
    for node in graph.node:
        for name in node.input:
            if node.op_type == "Mul" and name in found and name not in known:
                yield found[name]
