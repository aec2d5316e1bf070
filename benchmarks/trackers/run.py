"""Runs the sections asked for and reports what they find."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from steadypose._version import __version__
from steadypose.benchmarks import records, tables
from steadypose.benchmarks.records import Origin, Record
from steadypose.benchmarks.trackers import cost, smoothness
from steadypose.benchmarks.trackers.contenders import OURS, PERFECT
from steadypose.benchmarks.trackers.identity import Contender, contenders, stand
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.peers import peer_versions
from steadypose.benchmarks.trackers.rows import Row
from steadypose.benchmarks.trackers.scenes import Scenes, make_scenes
from steadypose.benchmarks.trackers.truth import Truth, is_for_tuning, load_truth
from steadypose.benchmarks.trackers.tuning import as_yaml, tune
from steadypose.benchmarks.writing import append_lines, table, write_whole
from steadypose.configs import build, load_config, unknown
from steadypose.errors import InputError, OutputError
from steadypose.trackers import TrackerSettings

_PACKAGES = ("numpy", "scipy", "trackeval", "filterpy")


def run(options: argparse.Namespace) -> int:
    """Measure, print the tables, and write what was asked for; each row as soon as it is there."""
    if options.tune:
        return _tune(options)
    origin, config = _origin(options), _config(options)
    _check_outputs(options)
    found: list[Record] = []
    for name in options.sections:
        began = time.monotonic()
        for row in _SECTIONS[name](options):
            record = row.record(config)
            found.append(record)
            spent = time.monotonic() - began
            print(f"{name}, {row.case}, {row.name}: {spent:.0f} s", file=sys.stderr, flush=True)
            records.append(options.json, [record], origin)
    text = tables.markdown([records.as_line(record, origin) for record in found])
    text += _by_video(found) if options.by_video else ""
    print(text, end="")
    if options.markdown:
        write_whole(options.markdown, text)
    return 0


def _by_video(found: Sequence[Record]) -> str:
    """Id switches of each tracker in each video, where they were counted."""
    lines = []
    for record in found:
        for video, count in record.more.get("switches_by_video", {}).items():
            row = (record.case["scene"], record.case["tracker"], video, str(count))
            lines.append(row)
    head = ("scene", "tracker", "video", "switches")
    return "\n".join(["", *table(head, lines), ""]) if lines else ""


def _check_outputs(options: argparse.Namespace) -> None:
    """Say now, not after an hour, that the results could not be written. Raises OutputError."""
    if options.json:
        append_lines(options.json, [])
    if options.markdown and not options.markdown.parent.is_dir():
        raise OutputError(f"{options.markdown}: no such folder: {options.markdown.parent}")


def _identity(options: argparse.Namespace) -> Iterator[Row]:
    videos, chosen = _videos(options), _chosen(options)
    for fps in options.fps:
        tuning = _scenes(options, videos, fps, tuning=True)
        measured = tuning if options.tuning else _scenes(options, videos, fps, tuning=False)
        if not measured.observed:
            raise InputError(f"{options.annotations}: all videos are for tuning; none is held out")
        choice = tuning if tuning.observed else None
        for contender in chosen:
            yield stand(contender, fps, choice, measured, options.resamples, options.seed)


def _cost(options: argparse.Namespace) -> Iterator[Row]:
    timed = [each for each in _chosen(options) if each.name != PERFECT]
    if any(each.name == OURS for each in timed):
        given = load_config(options.config).tracker
        timed.append(cost.with_looks(build(TrackerSettings, given, "tracker"), given))
    return cost.measure(timed, options.crowds or cost.CROWDS, options.rounds, options.seed)


def _smoothness(options: argparse.Namespace) -> Iterator[Row]:
    for fps in options.fps:
        yield from smoothness.measure(fps, options.seed)


_SECTIONS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "identity": _identity,
    "cost": _cost,
    "smoothness": _smoothness,
}


def _scenes(
    options: argparse.Namespace, videos: Sequence[Truth], fps: float, *, tuning: bool
) -> Scenes:
    return make_scenes(videos, fps, options.repeats, Noise(), options.seed, tuning=tuning)


def _tune(options: argparse.Namespace) -> int:
    """Search, and print the best settings as YAML."""
    videos = _videos(options)
    scenes = {f"{f:g} frames/s": _scenes(options, videos, f, tuning=True) for f in options.fps}
    if not all(each.observed for each in scenes.values()):
        raise InputError("--tune: no video is for tuning")
    given = dict(load_config(options.config).tracker)
    search = {
        "given": given,
        "videos": [v.footage.name for v in videos if is_for_tuning(v.footage.name)],
        "fps": [float(f) for f in options.fps],
        "repeats": options.repeats,
        "seed": options.seed,
        "noise": asdict(Noise()),
        "steadypose": __version__,
    }
    best = tune(scenes, given, options.tune, options.seed, options.tune_log, search)
    print(as_yaml(best), end="")
    return 0


def _chosen(options: argparse.Namespace) -> list[Contender]:
    given = load_config(options.config).tracker
    found = contenders(build(TrackerSettings, given, "tracker"), given, options.peers)
    names = [contender.name for contender in found]
    for name in options.only or ():
        if name not in names:
            raise InputError("--only: " + unknown("tracker", name, names))
    return [each for each in found if not options.only or each.name in options.only]


def _videos(options: argparse.Namespace) -> list[Truth]:
    """The annotated videos, ``--limit`` of each split."""
    folder = options.annotations
    if folder is None:
        data = os.environ.get("STEADYPOSE_DATA")
        if data is None:
            raise InputError("name the folder of annotations, or set STEADYPOSE_DATA")
        folder = Path(data, "bonn_posetrack", "gt18")
    found = load_truth(folder)
    parts = [[v for v in found if is_for_tuning(v.footage.name) == side] for side in (True, False)]
    return [video for part in parts for video in part[: options.limit]]


def _config(options: argparse.Namespace) -> dict[str, Any]:
    """What a reader needs to know to do it again."""
    return {
        "split": "tuning, not held out" if options.tuning else "held out",
        "repeats": options.repeats,
        "resamples": options.resamples,
        "seed": options.seed,
        "tracker settings": dict(load_config(options.config).tracker) or "defaults",
        "noise": asdict(Noise()),
    }


def _origin(options: argparse.Namespace) -> Origin:
    peers = peer_versions(options.peers) if options.peers else {}
    return Origin.of(options, _PACKAGES, **peers)
