"""Batches filled across videos: how full they get, what that brings, and what it changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.benchmarks.batch.scaling import Variant, measure


def measure_sharing(
    clips: Sequence[Path], work: Path, *, config: str, device: str, shares: Sequence[int]
) -> list[dict[str, Any]]:
    """Run the clips with one worker that does so many at once, for each of ``shares``.

    Returns:
        A record each: speed, how far rounds were shared, and the difference from one at a time.
    """
    records = []
    for share in dict.fromkeys((1, *shares)):
        output = work / f"share-{share}"
        options = ("--jobs", "1", "--share", str(share), "--device", device)
        figures = measure(clips, output, Variant(f"share {share}", options), config)
        records.append(
            {
                "share": share,
                "config": config,
                "device": device,
                "clips": len(clips),
                **{name: round(value, 2) for name, value in figures.items()},
                **_filling(output),
                **difference(_frames(work / "share-1"), _frames(output)),
            }
        )
    return records


def _filling(output: Path) -> dict[str, float]:
    manifest = json.loads((output / "steadypose-batch.json").read_text(encoding="utf-8"))
    told = [video["sharing"] for video in manifest["videos"] if "sharing" in video]
    rounds = sum(sharing["rounds"] for sharing in told)
    if not rounds:
        return {}
    shared, everybody = (
        sum(sharing[name] for sharing in told) for name in ("shared", "all_people")
    )
    return {
        "shared_rounds": round(shared / rounds, 3),
        "people_a_round": round(everybody / rounds, 2),
    }


def _frames(output: Path) -> dict[str, list[dict[str, Any]]]:
    """The frames of every video by its name."""
    return {
        path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in sorted(output.glob("*.jsonl"))
    }


def difference(
    alone: dict[str, list[dict[str, Any]]], together: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """How the results of the same videos differ.

    Returns:
        ``same_videos``: those without any difference; ``same_ids``: those in which all ids are the
        same; ``same_people``: share of the people, in videos with the same ids, of whom all is;
        ``largest_px``: the farthest that one of their joints is away.
    """
    people = equal = 0
    largest = 0.0
    same_ids = [name for name in alone if _ids(alone[name]) == _ids(together[name])]
    for name in same_ids:
        for one, other in zip(_persons(alone[name]), _persons(together[name]), strict=True):
            people += 1
            equal += one == other
            largest = max(largest, _apart(one["keypoints"], other["keypoints"]))
    return {
        "videos": len(alone),
        "same_videos": sum(alone[name] == together[name] for name in alone),
        "same_ids": len(same_ids),
        "same_people": round(equal / max(people, 1), 4),
        "largest_px": round(largest, 3),
    }


def _persons(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [person for frame in frames for person in frame["persons"]]


def _ids(frames: list[dict[str, Any]]) -> list[list[int]]:
    return [[person["track_id"] for person in frame["persons"]] for frame in frames]


def _apart(one: list[Any], other: list[Any]) -> float:
    both = [(a[:2], b[:2]) for a, b in zip(one, other, strict=True) if a and b]
    if not both:
        return 0.0
    first, second = np.array(both).swapaxes(0, 1)
    return float(np.linalg.norm(first - second, axis=1).max())
