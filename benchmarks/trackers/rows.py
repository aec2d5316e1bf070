"""One line of the result: a tracker, or a smoother, in one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steadypose.benchmarks.refiner.resampling import Interval


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table.

    Attributes:
        section: Part of the benchmark.
        case: What it was measured on; a table each.
        name: Tracker or smoother.
        values: By measure; with its 95 % interval over videos where there is one.
        settings: With which it was measured.
        more: Further numbers for the record.
    """

    section: str
    case: str
    name: str
    values: Mapping[str, Interval | float]
    settings: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
