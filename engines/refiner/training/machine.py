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
        able = torch.cuda.is_bf16_supported() if device.type == "cuda" else cpu_has_bfloat16()
        return torch.bfloat16 if able else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def cpu_has_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16; torch imitates it elsewhere, at half the speed."""
    # torch has no public question for it yet; where the private one is gone float32 always works.
    asked = [
        getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile")
    ]
    return any(bool(ask()) for ask in asked if ask is not None)
