"""Rows of ``bench peers`` as tables; medians over the rounds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from steadypose.benchmarks.records import read
from steadypose.benchmarks.writing import table, write_whole
from steadypose.errors import InputError

BEGIN, END = "<!-- bench peers: begin -->", "<!-- bench peers: end -->"
"""Marks between which a page holds the tables."""

OURS = "Steadypose"
Record = Mapping[str, Any]
_NONE = "-"


class Records:
    """Lines of ``--json``, by section, case and system; each is a round."""

    def __init__(self, lines: Sequence[Record]) -> None:
        self.lines = lines
        self._by_key: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
        for line in lines:
            self._by_key[line["section"], line["case"], line["name"]].append(line)

    def cases(self, section: str) -> list[str]:
        """Cases of a section as they came first."""
        return list(dict.fromkeys(c for s, c, _ in self._by_key if s == section))

    @property
    def systems(self) -> list[str]:
        """Names as they came first, ours before the peers."""
        names = list(dict.fromkeys(name for _, _, name in self._by_key))
        return sorted(names, key=lambda name: not name.startswith(OURS))

    def values(self, section: str, case: str, name: str, value: str) -> list[float]:
        """A value in each round that has it."""
        rounds = self._by_key.get((section, case, name), [])
        found = [line["values"].get(value) for line in rounds]
        return [float(x) for x in found if x is not None and math.isfinite(x)]

    def measured(self, section: str, case: str, name: str) -> bool:
        """Whether any round gave values."""
        return any(line["values"] for line in self._by_key.get((section, case, name), []))

    def one(self, section: str, case: str, name: str, value: str) -> float | None:
        """The median over the rounds, or None."""
        found = self.values(section, case, name, value)
        return median(found) if found else None

    def any(self, section: str, name: str, value: str) -> float | None:
        """The same of the first case that has it."""
        found = (self.one(section, case, name, value) for case in self.cases(section))
        return next((x for x in found if x is not None), None)

    def setting(self, name: str, key: str) -> Any:
        """What was told of a system."""
        return next((x["settings"].get(key) for x in self.lines if x["name"] == name), None)


def read_records(path: Path) -> Records:
    """Read the lines of ``--json``. Raises InputError."""
    try:
        return Records([_as_row(line) for line in read(path)])
    except (KeyError, IndexError) as error:
        raise InputError(f"{path}: not records of bench peers: {error}") from error


def _as_row(line: dict[str, Any]) -> dict[str, Any]:
    run = {name: line[name] for name in ("command", "date", "commit", "hardware", "versions")}
    settings = dict(line["config"])
    return {
        "section": line["what"].split()[1],
        "case": line["case"]["scene"],
        "name": line["case"]["system"],
        "values": line["values"],
        "settings": settings,
        "more": line["more"],
        "run": {**run, "threads": settings.pop("threads")},
    }


def markdown(records: Records) -> str:
    """All tables."""
    parts = [_about(records), _systems(records)]
    parts += [_clip(records, case) for case in records.cases("speed")]
    parts += [_crowd(records), *_standings(records, "AP"), *_standings(records, "AP val2017")]
    parts.append(_failures(records))
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def write_page(path: Path, text: str) -> None:
    """Put tables between the marks of a page, or write them as a page. Raises OutputError."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    if BEGIN in page and END in page:
        before, rest = page.split(BEGIN, 1)
        after = rest.split(END, 1)[1]
        text = f"{before}{BEGIN}\n\n{text}\n{END}{after}"
    write_whole(path, text)


def _about(records: Records) -> list[str]:
    """The commands that made the rows, then where and of what."""
    runs = {line["run"]["command"]: line["run"] for line in records.lines}
    told = [
        f"- `{command}`, {run['date']}, commit {run['commit']}" for command, run in runs.items()
    ]
    places = {f"- {run['hardware']}, {run['threads']} threads" for run in runs.values()}
    versions = {k: v for run in runs.values() for k, v in run["versions"].items()}
    return [*told, *sorted(places), "- " + ", ".join(f"{k}: {v}" for k, v in versions.items())]


def _systems(records: Records) -> list[str]:
    columns: list[tuple[str, Callable[[str], str]]] = [
        ("licence", lambda n: str(records.setting(n, "licence"))),
        ("follows", lambda n: _follows(records, n)),
        ("AP", _any(records, "accuracy", "AP", ".1f")),
        ("AP val2017", _any(records, "accuracy", "AP val2017", ".1f")),
        ("IDF1", _any(records, "identity", "IDF1", ".1f")),
        ("switches", _any(records, "identity", "switches", ".0f")),
        ("installed, MB", _any(records, "install", "installed_mb", ".0f")),
        ("networks, MB", _any(records, "install", "networks_mb", ".0f")),
        ("to install, s", _any(records, "install", "install_s", ".0f")),
    ]
    return _rows(records, columns)


def _follows(records: Records, name: str) -> str:
    if not records.setting(name, "names"):
        return "finds several, no ids"
    return "several" if records.setting(name, "several") else "one person"


def _clip(records: Records, case: str) -> list[str]:
    def value(name: str, form: str) -> Callable[[str], str]:
        return lambda n: _said(records.one("speed", case, n, name), form)

    def spread(n: str) -> str:
        found = records.values("speed", case, n, "fps")
        return f"{median(found):.1f} ({min(found):.1f} to {max(found):.1f})" if found else _NONE

    columns = [
        ("people found", value("people", ".1f")),
        ("frames/s", spread),
        ("ms a frame, running", value("frame_ms", ".1f")),
        ("first result, s", value("first_s", ".1f")),
        ("processor, s", value("cpu_s", ".0f")),
        ("peak, MB", value("peak_mb", ".0f")),
    ]
    counts = (records.one("speed", case, n, "frames") for n in records.systems)
    frames = next((count for count in counts if count is not None), None)
    return [f"**{case}**, {_said(frames, '.0f')} frames", "", *_rows(records, columns)]


def _crowd(records: Records) -> list[str]:
    cases = sorted(records.cases("crowd"), key=int)
    if not cases:
        return []

    def cell(case: str) -> Callable[[str], str]:
        def said(name: str) -> str:
            spent = records.one("crowd", case, name, "frame_ms")
            people = _said(records.one("crowd", case, name, "people"), ".1f")
            return _NONE if spent is None else f"{spent:.1f} ({people})"

        return said

    columns = [(f"{case} people" if case != "1" else "1", cell(case)) for case in cases]
    return ["**ms a frame (people found)**", "", *_rows(records, columns)]


def _standings(records: Records, measure: str) -> list[list[str]]:
    """How much faster ours is at a peer's AP, and how much better at its speed."""
    ours = [n for n in records.systems if n.startswith(OURS)]
    peers = [n for n in records.systems if n not in ours and records.setting(n, "several")]
    places = [("speed", case, "fps") for case in records.cases("speed")]
    places += [("crowd", c, "frame_ms") for c in sorted(records.cases("crowd"), key=int)]
    precise = {n: records.any("accuracy", n, measure) for n in records.systems}
    known = [n for n in peers if precise[n] is not None]
    if not places or not known:
        return []
    faster: list[list[str]] = []
    better: list[list[str]] = []
    for peer in known:
        aim = precise[peer] or 0.0
        row, other = [peer, f"{aim:.1f}"], [peer, f"{aim:.1f}"]
        for place in places:
            ratios = {n: r for n in ours if (r := _faster(records, place, n, peer)) is not None}
            able = {n: r for n, r in ratios.items() if (precise[n] or 0) >= aim}
            quick = {n: precise[n] or 0.0 for n, r in ratios.items() if r >= 1}
            row.append(_best(able, ".2f"))
            other.append(_best({n: ap - aim for n, ap in quick.items()}, "+.1f"))
        faster.append(row)
        better.append(other)
    cases = [f"{c} people" if s == "crowd" else c for s, c, _ in places]
    head = ["than", measure, *cases]
    return [
        [f"**Times as fast at equal or better {measure}**", "", *table(head, faster)],
        [f"**More {measure} at equal or better speed**", "", *table(head, better)],
    ]


def _best(values: Mapping[str, float], form: str) -> str:
    if not values:
        return _NONE
    name = max(values, key=values.__getitem__)
    return f"{values[name]:{form}} ({name.removeprefix(OURS).strip()})"


def _faster(records: Records, place: tuple[str, str, str], ours: str, peer: str) -> float | None:
    """How many times as many frames/s: median over the rounds' own ratios.

    None where either found nobody: whose poses are not estimated, costs nothing.
    """
    section, case, value = place
    if any(records.one(section, case, name, "people") == 0 for name in (ours, peer)):
        return None
    mine = records.values(section, case, ours, value)
    theirs = records.values(section, case, peer, value)
    pairs = list(zip(mine, theirs, strict=False))
    if not pairs:
        return None
    return median(b / a if value == "frame_ms" else a / b for a, b in pairs)


def _failures(records: Records) -> list[str]:
    told = {
        f"- {line['name']}, {line['section']}: {line['more']['failed']}"
        for line in records.lines
        if "failed" in line["more"]
        and not records.measured(line["section"], line["case"], line["name"])
    }
    return sorted(told)


def _rows(records: Records, columns: Sequence[tuple[str, Callable[[str], str]]]) -> list[str]:
    """A row a system; rows and columns without any value are left out."""
    names = [n for n in records.systems if any(cell(n) != _NONE for _, cell in columns)]
    kept = [(head, cell) for head, cell in columns if any(cell(n) != _NONE for n in names)]
    shown = [[name, *(cell(name) for _, cell in kept)] for name in names]
    return table(["", *(head for head, _ in kept)], shown)


def _any(records: Records, section: str, value: str, form: str) -> Callable[[str], str]:
    return lambda name: _said(records.any(section, name, value), form)


def _said(value: float | None, form: str) -> str:
    return _NONE if value is None else format(value, form)
