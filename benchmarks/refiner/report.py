"""Figures as records, and as tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steadypose.benchmarks import tables
from steadypose.benchmarks.records import Origin, Record, as_line
from steadypose.benchmarks.refiner.figures import Figure


def as_records(figures: Sequence[Figure], config: Mapping[str, Any]) -> list[Record]:
    """A record for each figure, and for each row of the pooled reliability tables."""
    found = [figure.record(config) for figure in figures]
    for figure in figures:
        if figure.section == "calibration" and figure.before is None:
            found += [_reliability(figure, cell, config) for cell in figure.more["reliability"]]
    return found


def _reliability(figure: Figure, cell: Mapping[str, Any], config: Mapping[str, Any]) -> Record:
    """Whether what was told of the joints in one span of probabilities holds."""
    return Record(
        what="refiner reliability",
        case={"data": figure.data, "probability from": cell["from"]},
        values={"mean told": cell["told"], "share right": cell["right"]},
        n=cell["joints"],
        config=config,
    )


def markdown(records: Sequence[Record], origin: Origin) -> str:
    """What was run, and a table for each section."""
    return tables.markdown([as_line(record, origin) for record in records])
