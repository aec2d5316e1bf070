"""What the TensorRT of the stand-in is made of: recorded numbers, and its arithmetic."""

from __future__ import annotations

import ctypes
import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

RECORD = json.loads((Path(__file__).parents[1] / "enums.json").read_text(encoding="utf-8"))

SEVERITIES = {"INTERNAL_ERROR": 0, "ERROR": 1, "WARNING": 2, "INFO": 3, "VERBOSE": 4}


def row_sums(array: Any, rows: int) -> Any:
    """``(rows,)`` of each row's sum; an array without that many rows counts whole for each."""
    values = np.asarray(array, np.float64)
    return values.reshape(rows, -1).sum(1) if len(values) == rows else np.full(rows, values.sum())


def spread_out(sums: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An output: each row is its sum, counted up along the row."""
    wide = sums[: shape[0], None] % 2048 + np.arange(prod(shape[1:]))
    return wide.reshape(shape).astype(dtype)


def numpy_name(name: str) -> str:
    return {"FLOAT": "float32", "HALF": "float16", "UINT8": "uint8", "INT64": "int64"}[name]


def array_at(address: int, shape: tuple[int, ...], dtype: Any) -> Any:
    nbytes = prod(shape) * dtype.itemsize
    block = (ctypes.c_uint8 * nbytes).from_address(address)
    return np.frombuffer(block, dtype).reshape(shape)
