"""One line of the result: a tracker, or a smoother, in one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from steadypose.benchmarks.records import Record
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

    def record(self, config: Mapping[str, Any]) -> Record:
        """As it is written; ``config`` is what all rows share."""
        return Record(
            what=f"trackers {self.section}",
            case={"scene": self.case, "tracker": self.name, "settings": self.settings},
            values={
                name: asdict(value) if isinstance(value, Interval) else value
                for name, value in self.values.items()
            },
            n=self.more.get("frames"),
            config=config,
            more=self.more,
        )
