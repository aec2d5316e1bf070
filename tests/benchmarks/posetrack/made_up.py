"""Clips made up for tests: walking people, and files of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import JOINTS, Clip, Images, Persons


def images(count: int, name: str = "000001_mpii_test") -> Images:
    return Images(
        ids=10_000_010_000 + np.arange(count),
        files=tuple(f"images/val/{name}/{i:06d}.jpg" for i in range(count)),
        labelled=np.ones(count, bool),
        regions=((),) * count,
        promised=np.full(count, count, np.int64),
    )


def clip(
    places: NDArray[np.float64], ids: NDArray[np.int64], name: str = "000001_mpii_test"
) -> Clip:
    """People ``(F, N, 15, 2)`` with these ids ``(F, N)``; an id of -1: not there."""
    frames = np.repeat(np.arange(len(ids)), ids.shape[1])
    there = ids.reshape(-1) >= 0
    points = places.reshape(-1, JOINTS, 2)[there]
    persons = replace(
        Persons.blank(frames[there]),
        track_ids=ids.reshape(-1)[there].astype(np.int64),
        points=points,
        scores=np.ones(points.shape[:2]),
        visible=np.ones(points.shape[:2]),
        heads=heads(points),
        boxes=boxes(points),
        person_scores=np.ones(len(points)),
    )
    return Clip(
        name=name, source=Path(f"{name}.json"), images=images(len(ids), name), persons=persons
    )


def heads(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Head boxes of 30 x 40 px around the nose."""
    middle = np.nan_to_num(points[:, 13], nan=50.0)
    half = np.array([15, 20])
    return np.concatenate([middle - half, middle + half], 1)


def boxes(points: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(points):
        return np.zeros((0, 4))
    low = np.where(np.isfinite(points), points, 1e6).min(1)
    high = np.where(np.isfinite(points), points, -1e6).max(1)
    return np.concatenate([low, high], 1)


def crowd(frames: int = 5, people: int = 14, seed: int = 0, apart: float = 300) -> Clip:
    """People who stand still, ids from 1, far from one another."""
    rng = np.random.default_rng(seed)
    still = rng.uniform(10, 210, (people, JOINTS, 2)) + apart * np.arange(people)[:, None, None]
    ids = np.tile(np.arange(1, people + 1), (frames, 1))
    return clip(np.tile(still, (frames, 1, 1, 1)), ids)


def changed(truth: Clip, persons: Persons) -> Clip:
    return replace(truth, persons=persons)
