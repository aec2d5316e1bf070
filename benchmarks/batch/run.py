"""``steadypose bench batch WHAT VIDEO...``: resume, scaling, sharing, seams, as JSON records."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from steadypose.benchmarks.batch.clips import cut_clips, long_video
from steadypose.benchmarks.batch.resume import check_resume
from steadypose.benchmarks.batch.scaling import measure_scaling
from steadypose.benchmarks.batch.seams import measure_seams
from steadypose.benchmarks.batch.sharing import measure_sharing
from steadypose.benchmarks.throughput import hardware


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; 1 when a check fails."""
    with tempfile.TemporaryDirectory(prefix="steadypose-bench-") as made:
        records = _CHECKS[options.what](options, Path(made))
    for record in records:
        line = json.dumps({"what": options.what, **record, "hardware": hardware()})
        print(line, flush=True)
        if options.json:
            with options.json.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
    return int(any(record.get("same") is False for record in records))


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
