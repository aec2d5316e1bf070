"""Bring records of measurements into the form of ``steadypose.benchmarks.records``.

    python scripts/upgrade_records.py FILE.jsonl...

rewrites files whose lines have the forms that each measurement once had; lines of the present form
stay as they are, so it can be run again. No figure is altered: what was not noted then (commit,
date, command) is null, but for commands that follow from what was noted.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from steadypose.benchmarks.batch.run import as_record as batch_record
from steadypose.benchmarks.engines.outcomes import Outcome
from steadypose.benchmarks.following.run import Comparison
from steadypose.benchmarks.latency.records import Ages, LatencyRecord
from steadypose.benchmarks.latency.slopes import Slope
from steadypose.benchmarks.posetrack.speed import as_record as posetrack_record
from steadypose.benchmarks.records import Origin, Record, as_line
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.report import as_records as refiner_records
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.benchmarks.throughput.run import Throughput
from steadypose.benchmarks.trackers.rows import Row
from steadypose.benchmarks.writing import write_whole

Line = dict[str, Any]
Found = Iterator[tuple[Record, Origin]]


def upgraded(line: Line) -> list[Line]:
    """A line in the present form; a refiner's calibration gives several."""
    if "values" in line and "case" in line and "command" in line:
        return [line]
    for fits, way in _WAYS:
        if fits(line):
            return [as_line(record, origin) for record, origin in way(line)]
    raise SystemExit(f"no known form: {json.dumps(line)[:120]}")


def _origin(line: Mapping[str, Any], command: str | None) -> Origin:
    return Origin(
        command=line.get("command") or command,
        date=line.get("date"),
        commit=line.get("commit"),
        hardware=line.get("hardware") or line.get("machine") or "",
        versions=line.get("versions") or {},
    )


def _without(line: Line, *names: str) -> Line:
    return {name: value for name, value in line.items() if name not in names}


def _throughput(line: Line) -> Found:
    known = _without(line, "hardware", "versions")
    options = [*line["options"]]
    command = " ".join(["steadypose bench throughput", line["clip"], "--config", line["config"]])
    found = Throughput(**{**known, "options": tuple(options)}).record()
    yield found, _origin(line, " ".join([command, *options]))


def _following(line: Line) -> Found:
    known = _without(line, "hardware")
    command = f"steadypose bench following {line['clip']} --config {line['config']} --frames "
    command += f"{line['frames']} --rounds {line['rounds']}"
    for name, value in line["settings"].items():
        command += f" --{name.replace('_', '-')} {value}"
    yield Comparison(**known).record(), _origin(line, command)


def _latency(line: Line) -> Found:
    known = _without(line, "hardware", "versions", "bound_ms")
    ages = ("floor", "decoded", "compute", "waiting", "age", "viewer")
    known |= {name: Ages(**line[name]) for name in ages}
    known |= {name: Slope(**line[name]) for name in ("age_slope_ms", "rss_slope_mb")}
    command = f"steadypose bench latency --transport {line['transport']} --size {line['size']} "
    command += f"--fps {line['fps']:g} --seconds {line['seconds']:g} --config {line['preset']}"
    yield LatencyRecord(**known).record(), _origin(line, command)


def _batch(line: Line) -> Found:
    values = _without(line, "what", "hardware")
    yield batch_record(line["what"], values), _origin(line, None)


def _posetrack(line: Line) -> Found:
    yield posetrack_record(line), _origin(line, None)


def _interval(value: Line | None) -> Interval | None:
    if value is None:
        return None
    ends = (float("nan") if value[name] is None else value[name] for name in value)
    return Interval(*ends)


def _refiner(line: Line) -> Found:
    known = _without(line, "run", "met")
    known |= {name: _interval(line[name]) for name in ("before", "after", "change")}
    known["target"] = None if line["target"] is None else Target(**line["target"])
    config = _without(line["run"], "hardware", "versions", "date", "command", "commit")
    command = f"steadypose bench refiner {config['model']} --sections {line['section']}"
    if "keep_below" in config:
        command += f" --keep-below {config['keep_below']:g}"
    command += " --flip" if config.get("flip") else ""
    for record in refiner_records([Figure(**known)], config):
        yield record, _origin(line["run"], command)


def _trackers(line: Line) -> Found:
    known = _without(line, "run")
    known["values"] = {
        name: _interval(value) if isinstance(value, dict) else value
        for name, value in line["values"].items()
    }
    config = _without(line["run"], "hardware", "versions", "date", "command", "commit")
    yield Row(**known).record(config), _origin(line["run"], None)


def _engines(line: Line) -> Found:
    run = line["run"]
    config = _without(run, "hardware", "versions", "date", "command", "commit")
    yield Outcome(**_without(line, "run")).record(config), _origin(run, None)


_Way = Callable[[Line], Found]
_WAYS: tuple[tuple[Callable[[Line], bool], _Way], ...] = (
    (lambda line: "slowest_fps" in line, _throughput),
    (lambda line: "cpu_gain" in line, _following),
    (lambda line: "age_slope_ms" in line, _latency),
    (lambda line: line.get("what") in ("resume", "scaling", "sharing", "seams"), _batch),
    (lambda line: line.get("what") == "posetrack evaluation", _posetrack),
    (lambda line: "metric" in line, _refiner),
    (lambda line: "runtime" in line, _engines),
    (lambda line: "section" in line, _trackers),
)


def _exact(value: Any) -> Any:
    """As JSON takes it, no number rounded; NaN becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _exact(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def main() -> None:
    """Rewrite the files named."""
    for name in sys.argv[1:]:
        path = Path(name)
        old = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        new = [each for line in old for each in upgraded(line)]
        write_whole(path, "".join(json.dumps(_exact(line), allow_nan=False) + "\n" for line in new))
        print(f"{path}: {len(old)} lines, {len(new)} records")


if __name__ == "__main__":
    main()
