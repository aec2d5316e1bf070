"""``steadypose bench batch WHAT VIDEO...``: resume, scaling, sharing, seams, as JSON records."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.batch.clips import cut_clips, long_video
from steadypose.benchmarks.batch.resume import check_resume
from steadypose.benchmarks.batch.scaling import measure_scaling
from steadypose.benchmarks.batch.seams import measure_seams
from steadypose.benchmarks.batch.sharing import measure_sharing
from steadypose.benchmarks.records import Origin, Record

_CASE = (
    "variant",
    "video",
    "share",
    "device",
    "options",
    "clips",
    "video_s",
    "split_s",
    "overlap_s",
    "jobs",
    "seed",
)
"""What tells one record from another; the rest is what was measured."""


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; 1 when a check fails."""
    with tempfile.TemporaryDirectory(prefix="steadypose-bench-") as made:
        measured = _CHECKS[options.what](options, Path(made))
    found = [as_record(options.what, values) for values in measured]
    origin = Origin.of(options)
    records.append(options.json, found, origin)
    print(tables.markdown([records.as_line(record, origin) for record in found]), end="")
    return int(any(values.get("same") is False for values in measured))


def as_record(what: str, values: dict[str, Any]) -> Record:
    """A record of what one of the measurements gave."""
    case = {"preset": values["config"], **{k: values[k] for k in _CASE if k in values}}
    rest = {k: value for k, value in values.items() if k not in (*_CASE, "config")}
    return Record(what=f"batch {what}", case=case, values=rest, n=values.get("clips"))


def _resume(options: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    clips = cut_clips(options.videos, work / "clips", options.clips, options.frames)
    extra = ["--jobs", str(options.jobs), *(["--save-video"] if options.save_video else [])]
    record = check_resume(
        clips,
        work,
        config=options.config,
        options=extra,
        kills=options.kills,
        seed=options.seed,
    )
    record["same"] = record["same"] and record["done_once"] and not record["half_written_left"]
    return [record]


def _scaling(options: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    clips = cut_clips(options.videos, work / "clips", options.clips, options.frames)
    return measure_scaling(clips, work, config=options.config, rounds=options.rounds)


def _sharing(options: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    clips = cut_clips(options.videos, work / "clips", options.clips, options.frames)
    return measure_sharing(
        clips, work, config=options.config, device=options.device, shares=options.share
    )


def _seams(options: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    records = []
    for video in options.videos:
        records += measure_seams(
            long_video(video, work / f"{video.stem}.mp4", options.seconds),
            work / f"{video.stem}-runs",
            config=options.config,
            splits=options.split,
            overlap_s=options.overlap,
            jobs=options.jobs,
        )
    return records


_CHECKS = {"resume": _resume, "scaling": _scaling, "sharing": _sharing, "seams": _seams}
