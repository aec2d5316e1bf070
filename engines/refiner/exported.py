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

_FOLDED = "onnx::Mul_"
"""How the exporter calls parameters that it has reshaped; in the order in which they are used."""
_FIRST_EXTRA = "heat.widen_extra.weight"
"""What the head's first further input is called in files from when there was but one."""


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
    for name, value in _parameters(file, path).items():
        if name not in state or tuple(state[name].shape) != value.shape:
            raise ModelError(f"{path}: {name} is of another version of the network")
        state[name] = torch.from_numpy(value)
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
    """Parameters by their names in the network."""
    values = {i.name: numpy_helper.to_array(i).astype(np.float32) for i in file.graph.initializer}
    folded = [value for name, value in values.items() if name.startswith(_FOLDED)]
    named = {name: value for name, value in values.items() if not name.startswith("onnx::")}
    if len(folded) != 4:
        raise ModelError(f"{path}: expected 4 reshaped parameters, got {len(folded)}")
    stem, sharpness, of_pose, of_prior = folded
    named["pose_stem"] = stem[:, 0]
    named["sharpness"] = sharpness.reshape(-1)
    named["trust"] = np.stack([of_pose.reshape(-1), of_prior.reshape(-1)])
    if _FIRST_EXTRA in named:
        named[_FIRST_EXTRA.replace(".weight", ".0.weight")] = named.pop(_FIRST_EXTRA)
    return named
