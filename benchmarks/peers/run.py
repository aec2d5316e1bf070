"""Runs the sections asked for, and writes rows and tables."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from steadypose.benchmarks import records
from steadypose.benchmarks.accuracy.run import CocoSet, load_coco
from steadypose.benchmarks.peers import sections
from steadypose.benchmarks.peers.lineup import PEERS
from steadypose.benchmarks.peers.systems import Steadypose, System
from steadypose.benchmarks.peers.tables import markdown, read_records, write_page
from steadypose.benchmarks.records import Origin, Record
from steadypose.benchmarks.trackers.rows import Row
from steadypose.benchmarks.writing import append_lines
from steadypose.errors import InputError, OutputError


def run(options: argparse.Namespace) -> int:
    """Measure, append rows as they come, write the tables; 1 where a system failed."""
    if options.markdown and not options.json:
        raise InputError("--markdown: shows the rows of --json FILE; name it")
    if options.markdown and not options.markdown.parent.is_dir():
        raise OutputError(f"{options.markdown}: no such folder: {options.markdown.parent}")
    failed = False
    if options.peers is not None:
        failed = _measure(options)
    elif not options.markdown:
        raise InputError("nothing to do: give --peers DIR to measure, or --json and --markdown")
    if options.markdown:
        write_page(options.markdown, markdown(read_records(options.json)))
    return int(failed)


def _measure(options: argparse.Namespace) -> bool:
    failed = False
    systems = _chosen(options)
    origin = Origin.of(options, **_versions(options.peers, systems))
    if options.json:
        append_lines(options.json, [])  # that it cannot be written is said now

    def report(row: Row) -> None:
        nonlocal failed
        failed |= "failed" in row.more
        print(_line(row), flush=True)
        if options.json:
            records.append(options.json, [_record(row, options.threads)], origin)

    bench = sections.Bench(
        folder=options.peers,
        systems=systems,
        threads=options.threads,
        rounds=options.rounds,
        limit_s=options.limit,
        report=report,
    )
    if "speed" in options.sections and not options.clips:
        raise InputError("section speed: name one CLIP or more, or leave it out with --sections")
    data = _coco(options) if {"crowd", "accuracy"} & set(options.sections) else None
    for name in options.sections:
        if name == "install":
            sections.install(bench)
        elif name == "speed":
            sections.speed(bench, options.clips)
        elif name == "identity":
            sections.identities(bench, *_truth(options))
        elif data is not None and name == "crowd":
            sections.crowd(bench, data[0], options.crowds, options.frames)
        elif data is not None:
            sections.accuracy(bench, *data)
    return failed


def _chosen(options: argparse.Namespace) -> list[System]:
    every: list[System] = [*(Steadypose.of(p) for p in options.config), *PEERS]
    if not options.only:
        return every
    for part in options.only:
        if not any(part.lower() in system.name.lower() for system in every):
            names = ", ".join(system.name for system in every)
            raise InputError(f"--only: no system is called '{part}'; there are {names}")
    return [s for s in every if any(part.lower() in s.name.lower() for part in options.only)]


def _coco(options: argparse.Namespace) -> tuple[CocoSet, Path]:
    annotations, images = options.coco or (
        _data("coco_mp/person_keypoints.json", "--coco"),
        _data("coco_mp/images", "--coco"),
    )
    return load_coco(annotations, images), images


def _truth(options: argparse.Namespace) -> tuple[Path, Path]:
    if options.truth:
        clip, boxes = options.truth
        return clip, boxes
    return _data("videos/vtest.avi", "--truth"), _data("videos/vtest_gt_sparse10.txt", "--truth")


def _data(name: str, option: str) -> Path:
    folder = os.environ.get("STEADYPOSE_DATA")
    if not folder:
        raise InputError(f"{option}: not given, and STEADYPOSE_DATA names no folder with {name}")
    return Path(folder) / name


def _record(row: Row, threads: int) -> Record:
    return Record(
        what=f"peers {row.section}",
        case={"scene": row.case, "system": row.name},
        values=row.values,
        config={"threads": threads, **row.settings},
        more=row.more,
    )


def _versions(folder: Path, systems: Sequence[System]) -> dict[str, str]:
    """What each peer's environment was made of, as far as it was noted."""
    found = {}
    for name in dict.fromkeys(system.environment for system in systems):
        note = folder / name / "install.json"
        if note.exists() and name != "steadypose":
            found[name] = " ".join(json.loads(note.read_text(encoding="utf-8"))["requirements"])
    return found


def _line(row: Row) -> str:
    told = {k: f"{v:.4g}" for k, v in row.values.items() if isinstance(v, float)}
    found = ", ".join(f"{k} {v}" for k, v in told.items()) or str(row.more.get("failed"))
    return f"{row.section:9} {row.case:28} {row.name:32} {found}"
