"""The state of a run on disk: whole or not at all, and read without running code from it."""

from __future__ import annotations

import contextlib
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from steadypose.errors import InputError, OutputError

STATE_FILE = "state.pt"
"""All that a run needs to go on exactly where it stopped."""
BEST_FILE = "best.pt"
"""Averaged weights of the best look at the validation split, with their figures."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values; a crash or a full disk leaves the former file as it was.

    Raises:
        OutputError: It could not be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch wraps a full disk in RuntimeError
        with contextlib.suppress(OSError):
            part.unlink()
        raise OutputError(f"{path}: cannot be written: {error}") from error


def load(path: Path) -> dict[str, Any]:
    """Read what ``save`` wrote, onto the CPU; only tensors and plain values are accepted.

    Raises:
        InputError: No such file, damaged, or holding something else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a foreign file, which the error below tells
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; is this the folder of a training run?") from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not a state of a training run: {first}") from error
    if not isinstance(state, dict):
        raise InputError(f"{path}: not a state of a training run")
    return state
