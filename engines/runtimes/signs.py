"""Whether a machine looks as if it has an NVIDIA GPU, found out without loading anything."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

MODULES = ("tensorrt", "tensorrt_rtx")
"""TensorRT's, in the order in which they are looked for."""

_ROOT = Path("/")
# The driver's own, and those of Jetson boards and of Windows' Linux.
_DRIVER = (
    "dev/nvidiactl",
    "dev/nvhost-gpu",
    "dev/nvgpu",
    "proc/driver/nvidia/version",
    "usr/lib/wsl/lib/libcuda.so.1",
)
_VENDOR, _DISPLAY = "0x10de", "0x03"


def nvidia_at_hand() -> str:
    """What points to an NVIDIA GPU, in a few words; empty where nothing does.

    It is the driver's device files, a card on the PCI bus, or an installed TensorRT.
    """
    if any((_ROOT / name).exists() for name in _DRIVER):
        return "NVIDIA device files"
    if any(_is_card(device) for device in (_ROOT / "sys/bus/pci/devices").glob("*")):
        return "an NVIDIA card"
    if any(is_installed(name) for name in MODULES):
        return "an installed TensorRT"
    return ""


def is_installed(name: str) -> bool:
    """Whether a module is there to be imported; it is not."""
    try:
        return find_spec(name) is not None
    except ValueError:  # imported, but without a specification of its own
        return True


def _is_card(device: Path) -> bool:
    try:
        vendor = (device / "vendor").read_text(encoding="ascii").strip()
        return vendor == _VENDOR and (device / "class").read_text("ascii").startswith(_DISPLAY)
    except (OSError, ValueError):
        return False
