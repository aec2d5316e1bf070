"""Bounds that settings are held to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from steadypose.errors import ConfigError

PRECISIONS = ("fp16", "fp32")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


def check_range(where: str, value: float, low: float, high: float) -> None:
    """Raise ConfigError, naming the setting, unless the value lies in ``low`` to ``high``."""
    if not low <= value <= high:
        raise ConfigError(f"{where}: expected {low:g} to {high:g}, got {value:g}")


def check_sizes(where: str, sizes: Iterable[tuple[int, int]]) -> None:
    """Raise ConfigError, naming the setting, unless all heights and widths are multiples of 32."""
    for height, width in sizes:
        if height % 32 or width % 32 or min(height, width) < 32:
            raise ConfigError(f"{where}: expected multiples of 32, got {height}x{width}")


def check_device(where: str, device: str) -> None:
    """Raise ConfigError, naming the setting, unless it is auto, cpu, cuda or cuda:N."""
    if not _DEVICE.fullmatch(device):
        raise ConfigError(f"{where}: expected auto, cpu, cuda or cuda:N, got '{device}'")


def check_choice(where: str, value: str, choices: Sequence[str]) -> None:
    """Raise ConfigError, naming the setting, unless the value is one of ``choices``."""
    if value not in choices:
        named = f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise ConfigError(f"{where}: expected {named}, got '{value}'")


def check_precision(where: str, precision: str) -> None:
    """Raise ConfigError, naming the setting, unless it is one of ``PRECISIONS``."""
    check_choice(where, precision, PRECISIONS)
