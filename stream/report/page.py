"""The page of a report: one file, no scripts, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from steadypose._version import __version__
from steadypose.stream.report.plots import (
    id_timelines,
    joint_confidence,
    people_over_time,
    stage_times,
)
from steadypose.stream.report.reading import (
    VideoFacts,
    read_summary,
    read_unwritten,
    read_video,
)

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1d1d1f; background: #ffffff }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: 0.2rem 0.6rem; border-bottom: 1px solid #dddddd }
th:first-child, td:first-child, td.text { text-align: left; overflow-wrap: anywhere }
summary { cursor: pointer; font-weight: 600; margin: 0.6rem 0 }
svg { width: 100%; height: auto } h3 { margin: 1rem 0 0 } .bad { color: #b5322a }
"""
_PLOTS = (
    ("People over time", people_over_time, True),
    ("Identities", id_timelines, True),
    ("Joint confidence", joint_confidence, True),
    ("Stage times", stage_times, False),
)
"""Title, what draws it, and whether it needs the JSON lines."""


def write_page(root: Path, summaries: Sequence[Path], most: int) -> Iterator[str]:
    """The page, piece by piece, so that a long one is never in memory as a whole.

    Args:
        root: Folder of the results.
        summaries: Of the videos that are told of.
        most: So many videos get plots; all are in the table.

    Raises:
        InputError: A result is damaged.
    """
    yield "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
    yield f"<title>{escape(root.resolve().name)}</title><style>{_STYLE}</style></head><body>\n"
    yield f"<h1>{escape(root.resolve().name)}</h1>\n"
    yield from _table(root, summaries)
    if len(summaries) > most:
        yield f"<p>Plots of the first {most} videos follow.</p>\n"
    for number, path in enumerate(summaries[:most]):
        yield from _video(read_video(path, root), opened=number == 0)
    yield f"<p>Made by Steadypose {escape(__version__)}.</p></body></html>\n"


def _table(root: Path, summaries: Sequence[Path]) -> Iterator[str]:
    heads = ("video", "outcome", "seconds", "frames", "people", "most at once", "frames/s")
    yield "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>\n"
    frames = 0
    for path in summaries:
        report = read_summary(path)
        frames += report["frames"]
        name = path.relative_to(root).as_posix().removesuffix(".summary.json")
        yield "<tr>" + "".join(_cells(name, report)) + "</tr>\n"
    unwritten = read_unwritten(root)
    for name, words in unwritten.items():
        yield f"<tr><td>{escape(name)}</td><td class='text bad'>{escape(words)}</td>"
        yield "<td></td>" * (len(heads) - 2) + "</tr>\n"
    yield f"</table>\n<p>{len(summaries) + len(unwritten)} videos, {frames} frames.</p>\n"


def _cells(name: str, report: dict[str, Any]) -> Iterator[str]:
    yield f"<td>{escape(name)}</td>"
    outcome, reason = str(report["outcome"]), report.get("reason")
    words = escape(outcome if not reason else f"{outcome}: {reason}")
    yield f"<td class='text{'' if outcome == 'done' else ' bad'}'>{words}</td>"
    fps = report["source"].get("fps")
    seconds = f"{report['frames'] / fps:.1f}" if fps else ""
    most = report["people"]["per_frame_max"]
    for value in (seconds, report["frames"], report["tracks"], most, report["fps"]):
        yield f"<td>{escape(str(value))}</td>"


def _video(facts: VideoFacts, *, opened: bool) -> Iterator[str]:
    yield f"<details{' open' if opened else ''}><summary>{escape(facts.name)}</summary>\n"
    for warning in facts.summary["warnings"]:
        yield f"<p class='bad'>{escape(warning)}</p>\n"
    if not len(facts.times_s):
        yield "<p>No JSON lines (<code>--format jsonl</code>) lie beside the summary.</p>\n"
    for title, draw, needs_lines in _PLOTS:
        if len(facts.times_s) or not needs_lines:
            yield f"<h3>{title}</h3>\n{draw(facts)}\n"
    yield "</details>\n"
