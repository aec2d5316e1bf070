"""Many records' fields as arrays; an error names the file, the record and the field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError

Record = dict[str, Any]
Name = Callable[[int], str]
"""What to call record number i in an error: file and id."""


def numbers(records: Sequence[Record], field: str, width: int, name: Name) -> NDArray[np.float64]:
    """Lists of ``width`` finite numbers, ``(N, width)`` float64. Raises InputError."""
    try:
        table = np.array([record[field] for record in records], np.float64)
        if table.shape == (len(records), width) and np.isfinite(table).all():
            return table
    except (KeyError, TypeError, ValueError):
        pass
    rows = [_row(record, field, width, name, i) for i, record in enumerate(records)]
    return np.array(rows, np.float64).reshape(-1, width)


def _row(record: Record, field: str, width: int, name: Name, i: int) -> NDArray[np.float64]:
    if field not in record:
        raise InputError(f"{name(i)}: '{field}' is missing")
    try:
        row = np.array(record[field], np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name(i)}: '{field}': expected {width} numbers") from error
    if len(row) != width or not np.isfinite(row).all():
        raise InputError(
            f"{name(i)}: '{field}': expected {width} finite numbers, got {len(row)} numbers"
        )
    return row


def optional(records: Sequence[Record], field: str, width: int, name: Name) -> NDArray[np.float64]:
    """As ``numbers``; NaN where the field is missing, null or an empty list."""
    given = [i for i, record in enumerate(records) if record.get(field) not in (None, [])]
    table = np.full((len(records), width), np.nan)
    if given:
        table[given] = numbers([records[i] for i in given], field, width, lambda i: name(given[i]))
    return table


def whole_number(record: Record, field: str, where: str) -> int:
    """A whole number of 0 or more. Raises InputError."""
    if field not in record:
        raise InputError(f"{where}: '{field}' is missing")
    value = record[field]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise InputError(f"{where}: '{field}': expected a whole number from 0 on, got {value!r}")
    return int(value)


def text(record: Record, field: str, where: str) -> str:
    """A text that is not empty. Raises InputError."""
    value = record.get(field)
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: '{field}': expected a text, got {value!r}")
    return value


def only(value: Any, where: str) -> Any:
    """The value in a list of one, as the 2017 format wraps everything. Raises InputError."""
    if not isinstance(value, list) or len(value) != 1:
        raise InputError(f"{where}: expected a list of one value, got {str(value)[:40]!r}")
    return value[0]
