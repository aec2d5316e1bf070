"""Which records are shown, and how their figures are put into a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from steadypose.benchmarks import records
from steadypose.errors import InputError

Names = Mapping[str, Any]
"""A record with the names of its case and values at the top, and the ``file`` that it is in."""


class _Cells(Formatter):
    """Formats figures; one that was not measured gives nothing."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        """A figure in the form asked for."""
        return "" if value is None else super().format_field(value, format_spec)


def read_names(folder: Path, files: Sequence[str]) -> list[Names]:
    """The records of some files, in their order. Raises InputError."""
    found: list[Names] = []
    for file in files:
        lines = records.read(folder / file)
        found += [{**line["case"], **line["values"], **line, "file": file} for line in lines]
    return found


def fitting(lines: Sequence[Names], where: Mapping[str, Any]) -> list[Names]:
    """Those in which every name has the value asked for, or one of the values of a list."""
    return [line for line in lines if all(_fits(line.get(k), v) for k, v in where.items())]


def _fits(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


def put(template: str, line: Names) -> str:
    """A template such as ``{frames/s:.1f} at {people}`` with the figures of a record.

    Raises:
        InputError: The record has no such figure, or it is of another kind.
    """
    try:
        return _Cells().vformat(str(template), (), line)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(
            f"'{template}' cannot be said of a record of '{line.get('what')}': {error!r}"
        ) from error
