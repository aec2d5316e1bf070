"""The one form of a record: a line of JSON for each thing measured.

======== ====================================================================================
what     The measurement, ``refiner ap``: the sub-command, and its section where it has some.
case     What tells this line from others of the same kind: clip, preset, number of people.
values   The figures by name, units in the names. Each a number, a text, true or false; a
         distribution ``{"p50", "p95", "p99", "mean", "max", "n"}``; an interval ``{"value",
         "low", "high"}``; or null where there was nothing to measure.
n        How many frames, people, joints or runs the figures are made of; null where unknown.
config   Settings that the figures depend on.
more     What was noted besides, in a form of the measurement's own.
command  What to run to do it again, folders by their names alone.
date     The day, UTC.
commit   Of the code, ``+`` behind it where files were changed.
hardware, versions
======== ====================================================================================

``command``, ``date`` and ``commit`` are null where a measurement made before there was this form
did not note them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks import machine
from steadypose.benchmarks.writing import append_lines
from steadypose.errors import InputError

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One thing measured; see the module for what its fields mean."""

    what: str
    case: Mapping[str, Any]
    values: Mapping[str, Any]
    n: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where records come from; see the module."""

    command: str | None
    date: str | None
    commit: str | None
    hardware: str
    versions: Mapping[str, str]

    @classmethod
    def of(
        cls, options: argparse.Namespace, packages: Iterable[str] = machine.USUAL, **further: str
    ) -> Origin:
        """Of the measurement that runs now.

        Args:
            options: Of the command; ``told`` of ``command.run`` in it.
            packages: Whose versions matter.
            further: Versions of what is no Python package.
        """
        return cls(
            command=getattr(options, "told", None),
            date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            commit=machine.commit(),
            hardware=machine.hardware(),
            versions={**machine.versions(packages), **further},
        )


def as_line(record: Record, origin: Origin) -> dict[str, Any]:
    """A record with where it comes from, in one mapping."""
    return {**asdict(record), **asdict(origin)}


def append(path: Path | None, records: Sequence[Record], origin: Origin) -> None:
    """Append a line for each record; does nothing without a file. Raises OutputError."""
    if path is not None:
        append_lines(path, [as_line(record, origin) for record in records])


def tell(record: Record) -> None:
    """Say on stderr that something was measured, while the next thing is."""
    case = ", ".join(f"{value}" for value in record.case.values())
    print(f"{record.what}: {case}", file=sys.stderr, flush=True)


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a file. Raises InputError naming the line that is no record."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return [_parsed(f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line]


def _parsed(place: str, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place}: no JSON: {error}") from error
    wanted = [*Record.__dataclass_fields__, *Origin.__dataclass_fields__]
    missing = [name for name in wanted if not isinstance(value, dict) or name not in value]
    if missing:
        raise InputError(f"{place}: no record of a measurement: '{missing[0]}' is missing")
    return dict(value)


def told_command(name: str, arguments: Sequence[str]) -> str:
    """The command of a measurement as a reader may type it, folders by their names alone."""
    shown = [Path(part).name if "/" in part else part for part in arguments]
    return "steadypose " + shlex.join(["bench", name, *shown])


def distribution(values: Sequence[float] | NDArray[np.float64], digits: int = 3) -> dict[str, Any]:
    """Percentiles, mean and maximum of values; all null without any."""
    found = np.asarray(values, np.float64)
    names = [f"p{percent}" for percent in PERCENTILES]
    if not found.size:
        return {**dict.fromkeys([*names, "mean", "max"]), "n": 0}
    cuts = [*np.percentile(found, PERCENTILES), found.mean(), found.max()]
    rounded = (round(float(cut), digits) for cut in cuts)
    return {**dict(zip([*names, "mean", "max"], rounded, strict=True)), "n": int(found.size)}


def interval(value: float, low: float, high: float, digits: int = 3) -> dict[str, float]:
    """A value and between what it lies."""
    rounded = (round(float(each), digits) for each in (value, low, high))
    return dict(zip(("value", "low", "high"), rounded, strict=True))


def median_of(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """The median of some rounds, with the least and the largest."""
    return interval(float(np.median(values)), min(values), max(values), digits)
