"""A long video in parts against the same in one piece: identities, people, time."""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from steadypose.benchmarks.batch.clips import run_batch
from steadypose.geometry import box_iou
from steadypose.stream.batch.splitting import plan_spans
from steadypose.stream.sources.span import read_key_frames

_SAME_IOU = 0.5
_NEAR_S = 1.0

Frames = list[dict[str, Any]]


def measure_seams(
    video: Path, work: Path, *, config: str, split_s: float, overlap_s: float, jobs: int
) -> dict[str, Any]:
    """Track the video in one piece and in parts, and compare.

    The unsplit run is the truth: a person whose id in the split run is not the one they had when
    they were last seen in both is an id switch (CLEAR-MOT). A *people-seam* is a person who is
    there within a second before and a second after a seam.
    """
    runs: dict[str, tuple[Frames, float]] = {}
    for name, options in (
        ("one", ("--jobs", "1")),
        ("parts", ("--jobs", str(jobs), "--split", str(split_s))),
    ):
        started = time.perf_counter()
        run_batch([video], work / name, options, config=config)
        lines = (work / name / f"{video.stem}.jsonl").read_text(encoding="utf-8").splitlines()
        runs[name] = [json.loads(line) for line in lines], time.perf_counter() - started
    (one, one_s), (parts, parts_s) = runs["one"], runs["parts"]
    seams = seam_indices(video, split_s, overlap_s)
    near = round(_NEAR_S * (len(one) - 1) / (one[-1]["pts_s"] - one[0]["pts_s"]))
    switches = id_switches(one, parts)
    crossed = [crossings(one, parts, seam, near) for seam in seams]
    crossing, at_seams = (sum(column) for column in zip(*crossed, strict=True))
    rows = [sum(len(frame["persons"]) for frame in frames) for frames in (one, parts)]
    return {
        "video_s": round(one[-1]["pts_s"], 1),
        "config": config,
        "split_s": split_s,
        "overlap_s": overlap_s,
        "jobs": jobs,
        "frames": [len(one), len(parts)],
        "seams": len(seams),
        "people_seams": crossing,
        "id_switches_at_seams": at_seams,
        "per_100_people_seams": round(100 * at_seams / max(crossing, 1), 2),
        "id_switches_elsewhere": len(switches) - at_seams,
        "people_rows": rows,
        "identities": [len(_ids(frames, 0, len(frames))) for frames in (one, parts)],
        "same_pose_share": round(same_share(one, parts), 4),
        "one_s": round(one_s, 1),
        "parts_s": round(parts_s, 1),
        "speed_up": round(one_s / parts_s, 2),
    }


def seam_indices(video: Path, split_s: float, overlap_s: float) -> list[int]:
    """Index of the first frame behind each seam."""
    keys = read_key_frames(video)
    spans = plan_spans(keys, split_s, overlap_s) if keys else ()
    stamps: Sequence[int] = keys.stamps if keys else ()
    return [bisect_left(stamps, span.stop) for span in spans if span.stop is not None]


def crossings(truth: Frames, other: Frames, seam: int, near: int) -> tuple[int, int]:
    """People who are seen within ``near`` frames before and behind a seam; how many switched."""
    before: dict[int, int] = {}
    behind: dict[int, int] = {}
    for index in range(max(0, seam - near), min(len(truth), seam + near)):
        first, second = truth[index]["persons"], other[index]["persons"]
        for a, b in _pairs(first, second):
            mine, theirs = first[a]["track_id"], second[b]["track_id"]
            if index < seam:
                before[mine] = theirs
            else:
                behind.setdefault(mine, theirs)
    both = before.keys() & behind.keys()
    return len(both), sum(before[i] != behind[i] for i in both)


def id_switches(truth: Frames, other: Frames) -> list[int]:
    """Indices of frames in which someone has another id than when they were last seen."""
    last: dict[int, int] = {}
    found = []
    for first, second in zip(truth, other, strict=True):
        for a, b in _pairs(first["persons"], second["persons"]):
            mine, theirs = first["persons"][a]["track_id"], second["persons"][b]["track_id"]
            if last.setdefault(mine, theirs) != theirs:
                found.append(int(first["index"]))
            last[mine] = theirs
    return found


def same_share(truth: Frames, other: Frames) -> float:
    """Share of the people of one run whose box is found again in the other."""
    pairs = sum(len(_pairs(a["persons"], b["persons"])) for a, b in zip(truth, other, strict=True))
    return pairs / max(sum(len(frame["persons"]) for frame in truth), 1)


def _pairs(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[tuple[int, int]]:
    if not first or not second:
        return []
    boxes = [np.array([person["box"] for person in people]) for people in (first, second)]
    overlap = box_iou(boxes[0], boxes[1])
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    return [
        (a, b)
        for a, b in zip(rows.tolist(), columns.tolist(), strict=True)
        if overlap[a, b] >= _SAME_IOU
    ]


def _ids(frames: Frames, start: int, stop: int) -> set[int]:
    chosen = frames[max(0, start) : stop]
    return {person["track_id"] for frame in chosen for person in frame["persons"]}
