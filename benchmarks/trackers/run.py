"""Runs the sections asked for and reports what they find."""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from steadypose._version import __version__
from steadypose.benchmarks.throughput import hardware
from steadypose.benchmarks.trackers import report
from steadypose.benchmarks.trackers.identity import Contender, Standing, contenders, stand
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.benchmarks.trackers.scenes import make_scenes
from steadypose.benchmarks.trackers.truth import Truth, is_for_tuning, load_truth
from steadypose.configs import load_config, unknown
from steadypose.errors import InputError
from steadypose.trackers import TrackerSettings

_PACKAGES = ("numpy", "scipy", "trackeval", "filterpy")


def run(options: argparse.Namespace) -> int:
    """Measure, print the tables, and write what was asked for; each row as soon as it is there."""
    videos = _videos(options)
    told = _about(options, videos)
    rows: list[Standing] = []
    for fps in options.fps:
        for standing in _identity(options, videos, fps):
            rows.append(standing)
            if options.json:
                report.append_json(options.json, [standing], told)
    print(report.markdown(rows, told, by_video=options.by_video), end="")
    if options.markdown:
        report.write_markdown(options.markdown, rows, told, by_video=options.by_video)
    return 0


def _identity(options: argparse.Namespace, videos: list[Truth], fps: float) -> list[Standing]:
    noise, repeats, seed = Noise(), options.repeats, options.seed
    tuning = make_scenes(videos, fps, repeats, noise, seed, tuning=True)
    held_out = make_scenes(videos, fps, repeats, noise, seed, tuning=False)
    measured = tuning if options.tuning else held_out
    rows = []
    for contender in _chosen(options):
        began = time.monotonic()
        choice = tuning if len(tuning.observed) else None
        rows.append(stand(contender, fps, choice, measured, options.resamples, seed))
        spent = time.monotonic() - began
        print(f"{fps:g} fps, {contender.name}: {spent:.0f} s", file=sys.stderr, flush=True)
    return rows


def _chosen(options: argparse.Namespace) -> list[Contender]:
    given = load_config(options.config).tracker
    found = contenders(TrackerSettings(**given), given, options.peers)
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


def _about(options: argparse.Namespace, videos: Sequence[Truth]) -> dict[str, Any]:
    """What a reader needs to know to do it again."""
    tuned = sum(is_for_tuning(video.footage.name) for video in videos)
    split = "tuning (not held out)" if options.tuning else "held out"
    return {
        "command": "steadypose " + shlex.join(_shown_arguments()),
        "videos": f"{len(videos) - tuned} held out, {tuned} to tune on; measured: {split}",
        "repeats": options.repeats,
        "resamples": options.resamples,
        "seed": options.seed,
        "tracker settings": dict(load_config(options.config).tracker) or "defaults",
        "hardware": hardware(),
        "versions": _versions(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
    }


def _shown_arguments() -> list[str]:
    """The command as it was given, folders by their names alone."""
    return [Path(part).name if "/" in part else part for part in sys.argv[1:]]


def _versions() -> dict[str, str]:
    found = {"steadypose": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
