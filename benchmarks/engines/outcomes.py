"""What was measured of one network in one run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steadypose.benchmarks.records import Record

Value = float | int | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was measured of one network, or chain of networks, in one run time.

    Attributes:
        section: Part of the benchmark.
        model: Name of the network.
        runtime: The run time as it is asked for.
        engine: Name and version of what ran it, and on what; empty where it did not run.
        precision: ``fp16`` or ``fp32``; empty where it did not run.
        batch: Crops, or people, at once.
        values: What was measured, with the unit at the end of each name; None where there is
            nothing to measure, such as copies to a device on the processor.
        note: Why nothing was measured, or what to know about it.
    """

    section: str
    model: str
    runtime: str
    engine: str = ""
    precision: str = ""
    batch: int | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""

    def record(self, config: Mapping[str, Any]) -> Record:
        """As it is written; ``config`` is what all outcomes share."""
        return Record(
            what=f"engines {self.section}",
            case={
                "model": self.model,
                "runtime": self.runtime,
                "engine": self.engine,
                "precision": self.precision,
                "batch": self.batch,
            },
            values={**self.values, "note": self.note},
            config=config,
        )
