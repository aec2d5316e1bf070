"""The report of a benchmark: JSON, Markdown, HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.evaluate import write_json, write_text
from steadypose.benchmarks.posetrack.evaluation import Evaluation, Result
from steadypose.benchmarks.posetrack.joints import row
from steadypose.benchmarks.posetrack.operating_points import OperatingPoint
from steadypose.benchmarks.posetrack.plots import plots
from steadypose.benchmarks.posetrack.scores import ProtocolName
from steadypose.benchmarks.posetrack.tables import HEAD, clip_rows, markdown, number, table
from steadypose.stream.complaints import EXIT_DONE, complain

NOTES = (
    "AP is the mean over 15 joints, not over the seven columns; so is MOTA.",
    "PoseTrack 2018 leaves many people unannotated: predictions of them count as false positives "
    "where no ignore region covers them. Compare on PoseTrack21.",
)
_SUMMARY = ("AP", "MOTA", "MOTP", "precision", "recall", "HOTA", "FA-HOTA", "box MOTA", "box IDF1")


@dataclass(frozen=True, eq=False)
class Compared:
    """One variant at one operating point.

    Attributes:
        protocol: ``official`` or ``fixed``.
        variant: What was run.
        point: Which joints are kept.
        evaluation: The scores.
    """

    protocol: ProtocolName
    variant: str
    point: OperatingPoint
    evaluation: Evaluation


Table = tuple[str, Sequence[str], list[tuple[str, ...]]]
"""Title, head, rows."""


def tables(compared: Sequence[Compared]) -> list[Table]:
    """Per joint and total, for each protocol, operating point and metric; then a summary."""
    found: list[Table] = []
    groups = dict.fromkeys((c.protocol, c.point.name) for c in compared)
    for protocol, point in groups:
        chosen = [c for c in compared if (c.protocol, c.point.name) == (protocol, point)]
        totals = [(c.variant, c.evaluation.total()) for c in chosen]
        title = f"operating point for {point}, protocol {protocol}"
        for metric in ("AP", "MOTA"):
            rows = [(variant, *_joints(result, metric)) for variant, result in totals]
            found.append((f"{metric}, {title}", ("", *HEAD), rows))
        found.append(
            (
                f"Totals, {title}",
                ("", *_SUMMARY),
                [(variant, *_summary(result)) for variant, result in totals],
            )
        )
    return found


def _joints(result: Result, metric: str) -> list[str]:
    scores = (result.ap if metric == "AP" else result.mota) or {}
    return [number(v) for v in row(scores[metric].joints, scores[metric].total)]


def _summary(result: Result) -> list[str]:
    mota, box = result.mota or {}, result.box or {}
    hota = (result.hota or {}).get("sequences", {})
    values = [(result.ap or {})["AP"].total]
    values += [mota[name].total for name in ("MOTA", "MOTP", "precision", "recall")]
    values += [hota[name].total for name in ("HOTA", "FA-HOTA")]
    return [number(v) for v in [*values, box["MOTA"], box["IDF1"]]]


def tell(folder: Path, compared: Sequence[Compared]) -> None:
    """Print the tables and where the report is."""
    for title, head, rows in tables(compared):
        print(f"{title}\n{table(head, rows)}\n")
    for line in dict.fromkeys(f"{c.variant}: {c.point}" for c in compared):
        print(line)
    print(f"report: {folder / 'report.html'}")


def write_report(
    folder: Path,
    compared: Sequence[Compared],
    pairs: Sequence[tuple[Clip, Clip]],
    about: Mapping[str, Any],
) -> None:
    """Write ``report.json``, ``report.md`` and ``report.html``.

    Args:
        folder: Where to; it exists.
        compared: All that was evaluated.
        pairs: Truth and predictions of the last variant, for the timelines.
        about: What was run.

    Raises:
        OutputError: A file cannot be written.
    """
    values = {**about, "results": [_record(c) for c in compared]}
    write_json(folder / "report.json", values)
    write_text(folder / "report.md", _markdown(compared, about))
    try:
        pictures = plots(compared, pairs)
    except ImportError:
        pictures = []
        complain(
            "report.html has no plots: pip install 'steadypose[report]' brings them", EXIT_DONE
        )
    write_text(folder / "report.html", _html(compared, about, pictures))


def _record(each: Compared) -> dict[str, Any]:
    return {
        "protocol": each.protocol,
        "variant": each.variant,
        "point": {
            "name": each.point.name,
            "threshold": each.point.threshold,
            "origin": each.point.origin,
        },
        "total": each.evaluation.total().as_dict(),
        "sequences": {name: r.as_dict() for name, r in each.evaluation.clips.items()},
    }


def _facts(compared: Sequence[Compared], about: Mapping[str, Any]) -> list[str]:
    told = [f"{key}: {value}" for key, value in about.items() if key != "settings"]
    told.append(f"preset: {about.get('settings', {}).get('name', '-')}")
    points = dict.fromkeys(f"{c.protocol}, {c.variant}, {c.point}" for c in compared)
    return [*told, *points, *NOTES]


def _per_sequence(compared: Sequence[Compared]) -> list[Table]:
    return [
        (f"Sequences: {c.variant}, {c.point.name}, {c.protocol}", *clip_rows(c.evaluation.clips))
        for c in compared
    ]


def _markdown(compared: Sequence[Compared], about: Mapping[str, Any]) -> str:
    parts = ["# PoseTrack", "\n".join(f"- {fact}" for fact in _facts(compared, about))]
    for title, head, rows in [*tables(compared), *_per_sequence(compared)]:
        parts += [f"## {title}", markdown(head, rows)]
    return "\n\n".join(parts) + "\n"


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem }
td, th { padding: 0.2rem 0.7rem; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child { text-align: left }
svg { max-width: 100%; height: auto }
"""


def _html(
    compared: Sequence[Compared], about: Mapping[str, Any], pictures: Sequence[tuple[str, str]]
) -> str:
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>PoseTrack</title><style>{_STYLE}</style><h1>PoseTrack</h1><ul>",
        *(f"<li>{html.escape(fact)}" for fact in _facts(compared, about)),
        "</ul>",
        *map(_html_table, tables(compared)),
    ]
    for title, svg in pictures:
        parts += [f"<h2>{html.escape(title)}</h2>", svg]
    for each in _per_sequence(compared):
        parts.append(
            f"<details><summary>{html.escape(each[0])}</summary>{_html_table(each)}</details>"
        )
    return "\n".join(parts) + "\n"


def _html_table(each: Table) -> str:
    title, head, rows = each

    def cells(values: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(v)}</{tag}>" for v in values) + "</tr>"

    body = "\n".join(cells(values, "td") for values in rows)
    return f"<h2>{html.escape(title)}</h2>\n<table>{cells(head, 'th')}\n{body}</table>"
