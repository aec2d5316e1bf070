"""A refiner's weights read back from the ONNX file that they were exported to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from steadypose.engines.refiner.network import Refiner
from steadypose.errors import ModelError

_FIRST_EXTRA = "heat.widen_extra.weight"
"""What the head's first further input is called in files from when there was but one."""
_MAY_LACK = {"calibration_scale", "calibration_bias", "heat.widen_extra.1.weight"}
"""What files may lack, since it changes nothing as it is made: the exporter leaves a calibration
out that does nothing, and older networks had no second further input."""


def read_exported(path: Path) -> Refiner:
    """The network of an exported refiner, to be trained on or compared in torch.

    Raises:
        ModelError: The file is no refiner that ``steadypose export`` wrote.
    """
    try:
        file = onnx.load(path)
    except Exception as error:  # protobuf raises errors of its own
        raise ModelError(f"{path}: not a readable ONNX file: {error}") from error
    variant = _variant(file)
    if variant not in ("fast", "accurate"):
        raise ModelError(f"{path}: not a refiner that steadypose export wrote")
    model = Refiner("fast" if variant == "fast" else "accurate")
    state = model.state_dict()
    found = _parameters(file, path)
    wanted = {name: tuple(value.shape) for name, value in state.items()}
    other = {name for name in found if wanted.get(name) != found[name].shape}
    other |= set(wanted) - set(found) - _MAY_LACK
    if other:
        raise ModelError(f"{path}: of another version of the network: {', '.join(sorted(other))}")
    state.update({name: torch.from_numpy(value.copy()) for name, value in found.items()})
    model.load_state_dict(state)
    return model


def is_exported(path: Path) -> bool:
    """Whether an ONNX file is a refiner and not, say, the MoveNet to start one from."""
    try:
        return _variant(onnx.load(path)) is not None
    except Exception:  # whoever reads it for good says what is wrong
        return False


def _variant(file: onnx.ModelProto) -> str | None:
    for entry in file.metadata_props:
        if entry.key == "steadypose":
            record = json.loads(entry.value)
            return str(record["variant"]) if record.get("kind") == "refiner" else None
    return None


def _parameters(file: onnx.ModelProto, path: Path) -> dict[str, NDArray[np.float32]]:
    """Parameters by their names in the network.

    What the exporter has reshaped has lost its name: ``pose_stem``, ``sharpness`` and both rows of
    ``trust``, all of them factors, in the order of their use.
    """
    values = {i.name: numpy_helper.to_array(i).astype(np.float32) for i in file.graph.initializer}
    named = {name: value for name, value in values.items() if not name.startswith("onnx::")}
    nodes = (node for node in file.graph.node if node.op_type == "Mul")
    factors = [name for node in nodes for name in node.input if name in values]
    folded = [values[name] for name in factors if name not in named]
    if len(folded) != 4:
        raise ModelError(f"{path}: expected 4 reshaped parameters, got {len(folded)}")
    stem, sharpness, *trust = folded
    named["pose_stem"] = stem.reshape(len(stem), -1)
    named["sharpness"] = sharpness.reshape(-1)
    named["trust"] = np.stack([row.reshape(-1) for row in trust])
    if _FIRST_EXTRA in named:
        named[_FIRST_EXTRA.replace(".weight", ".0.weight")] = named.pop(_FIRST_EXTRA)
    return named
