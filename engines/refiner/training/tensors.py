"""Batches as tensors."""

from __future__ import annotations

from dataclasses import fields

import torch
from torch import Tensor

from steadypose.engines.refiner.data.records import Batch


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """The arrays of a batch by their names, on the device."""
    found = {f.name: torch.from_numpy(getattr(batch, f.name)) for f in fields(batch)}
    if device.type == "cpu":
        return found
    return {name: value.pin_memory().to(device, non_blocking=True) for name, value in found.items()}
