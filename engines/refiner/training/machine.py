"""Which device and which arithmetic a run uses."""

from __future__ import annotations

import torch

from steadypose.errors import ConfigError


def choose_device(name: str) -> torch.device:
    """The device of a recipe's ``machine.device``.

    Raises:
        ConfigError: Not a device, or not one of this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"machine.device: expected auto, cpu or cuda, got '{name}'") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"machine.device: expected auto, cpu or cuda, got '{name}'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"machine.device: this machine has no '{name}' that torch can use")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """What the convolutions compute in, for a recipe's ``machine.precision``."""
    if name == "auto":
        able = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if able else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32
