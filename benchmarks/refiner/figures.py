"""One measured figure, what it should be, and whether it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from steadypose.benchmarks.records import Record
from steadypose.benchmarks.refiner.resampling import Interval


@dataclass(frozen=True)
class Target:
    """What a figure should be.

    Attributes:
        on: Which of the figure's intervals it is asked of.
        kind: ``">="`` or ``"<="``, of the value.
        bound: In the figure's unit.
        clear_of: What the whole interval must lie above, where it must.
    """

    on: Literal["after", "change"]
    kind: Literal[">=", "<="]
    bound: float
    clear_of: float | None = None

    def __str__(self) -> str:
        clear = "" if self.clear_of is None else f", interval > {self.clear_of:.3g}"
        return f"{self.on} {self.kind} {self.bound:.3g}{clear}"

    def met(self, interval: Interval | None) -> bool:
        """Whether a figure is what it should be; never so where nothing was measured."""
        if interval is None or math.isnan(interval.value):
            return False
        if self.clear_of is not None and not interval.low > self.clear_of:
            return False
        if self.kind == "<=":
            return interval.value <= self.bound
        return interval.value >= self.bound


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A row of the table.

    Attributes:
        section: Part of the benchmark.
        metric: What is measured, with its unit.
        data: Data set and boxes.
        base: Estimator, empty where none is meant.
        before: Without the refiner (or without what is tried).
        after: With it.
        change: ``after`` less ``before``, or their ratio where ``ratio``.
        ratio: Whether ``change`` is one.
        n: How many joints, people or runs it is made of.
        groups: How many independent groups of pictures were resampled; 0 where none.
        target: What it should be.
        more: Further numbers for the record.
    """

    section: str
    metric: str
    data: str = ""
    base: str = ""
    before: Interval | None = None
    after: Interval | None = None
    change: Interval | None = None
    ratio: bool = False
    n: int = 0
    groups: int = 0
    target: Target | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def record(self, config: Mapping[str, Any]) -> Record:
        """As it is written; ``config`` is what all figures share."""
        change = None if self.change is None else asdict(self.change)
        return Record(
            what=f"refiner {self.section}",
            case={"figure": self.metric, "data": self.data, "base": self.base},
            values={
                "before": None if self.before is None else asdict(self.before),
                "after": None if self.after is None else asdict(self.after),
                "times" if self.ratio else "change": change,
                "wanted": "" if self.target is None else str(self.target),
                "met": self.met,
                "groups": self.groups or None,
            },
            n=self.n,
            config=config,
            more=self.more if self.target is None else {**self.more, "target": asdict(self.target)},
        )

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return self.target.met(self.after if self.target.on == "after" else self.change)
