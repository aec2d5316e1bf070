"""Evaluation in the way of poseval: distances pair by pair, MOTA by py-motmetrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any

import numpy as np

from steadypose.benchmarks.posetrack.clip import JOINTS, Floats
from steadypose.benchmarks.posetrack.metrics.clear import ClearCounts
from steadypose.benchmarks.posetrack.metrics.pairing import Pairing
from steadypose.benchmarks.posetrack.persons import NEAR
from steadypose.benchmarks.posetrack.scenes import Scene
from steadypose.errors import InputError

_NAMES = {
    "objects": "num_objects",
    "misses": "num_misses",
    "false_positives": "num_false_positives",
    "switches": "num_switches",
    "detections": "num_detections",
}


class LoopedScene(Scene):
    """A scene whose distances are computed one by one, for each pair and joint, as in poseval."""

    @cached_property
    def distances(self) -> Floats:
        """The same ``(15, G, P)``."""
        distance = np.full((JOINTS, len(self.truth), len(self.found)), np.inf)
        for g, person in enumerate(self.truth):
            for p, prediction in enumerate(self.found):
                for joint in range(JOINTS):
                    if np.isfinite(person[joint, 0]) and np.isfinite(prediction[joint, 0]):
                        way = np.linalg.norm(np.subtract(person[joint], prediction[joint]))
                        distance[joint, g, p] = way / self.heads[g]
        return distance

    @classmethod
    def of(cls, scene: Scene) -> LoopedScene:
        """The same scene."""
        return cls(**{field.name: getattr(scene, field.name) for field in fields(Scene)})


def motmetrics() -> Any:
    """The library, which is no dependency. Raises InputError that names it."""
    try:
        import motmetrics as library
    except ImportError as error:
        raise InputError("this comparison needs motmetrics: pip install motmetrics") from error
    return library


def count(frames: Sequence[Pairing]) -> ClearCounts:
    """The counts of one sequence; the same as ``clear_mot`` gives.

    Args:
        frames: In order of time, with 15 channels.

    Raises:
        InputError: motmetrics is missing.
    """
    host = motmetrics().metrics.create()
    rows = [_joint(frames, joint, host) for joint in range(JOINTS)]
    return ClearCounts(**{name: np.array([row[name] for row in rows], float) for name in rows[0]})


def _joint(frames: Sequence[Pairing], joint: int, host: Any) -> dict[str, float]:
    accumulator = motmetrics().MOTAccumulator(auto_id=True)
    for frame in frames:
        truth, found = np.flatnonzero(frame.truth[joint]), np.flatnonzero(frame.found[joint])
        distance = frame.distance[joint][np.ix_(truth, found)]
        distance = np.where(distance <= NEAR, distance, np.nan)
        accumulator.update(frame.truth_ids[truth], frame.found_ids[found], distance)
    if not frames:
        return dict.fromkeys((*_NAMES, "distance", "logged"), 0.0)
    got = host.compute(accumulator, metrics=list(_NAMES.values()), return_dataframe=False)
    events = accumulator.events
    matched = events[events.Type.isin(["MATCH", "SWITCH"])]["D"].sum()
    return {name: float(got[theirs]) for name, theirs in _NAMES.items()} | {
        "distance": float(matched),
        "logged": float(events["D"].sum()),
    }
