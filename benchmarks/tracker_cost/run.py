"""What the tracker costs a frame, and how that grows with the number of people.

``steadypose bench tracker-cost`` prints the table. People walk about in a crowd as
dense for each number, are missed one time in ten, and carry 17 joints and looks of 72 values.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.records import Origin, Record
from steadypose.poses import Poses
from steadypose.trackers import PoseTracker

_LOOKS = 72
_HEIGHT_PX = 150.0
_SPACING_PX = 120.0
"""Mean distance of neighbours: bodies overlap now and then."""
_WARM_UP = 10


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one number of people costs.

    Attributes:
        people: In each frame.
        median_ms, p95_ms: Processor time of ``update`` and the ``predict`` before it.
    """

    people: int
    median_ms: float
    p95_ms: float

    def record(self) -> Record:
        """As it is written."""
        return Record(
            what="tracker-cost",
            case={"people": self.people},
            values={
                "p50 ms": round(self.median_ms, 3),
                "p95 ms": round(self.p95_ms, 3),
                "us a person": round(1000 * self.median_ms / self.people, 1),
            },
        )


def tracker_cost(people: int, frames: int = 60, seed: int = 0) -> Cost:
    """Time the whole tracker, on one thread, for ``frames`` frames after a warm-up."""
    tracker, spent = PoseTracker(), []
    for number, (poses, looks) in enumerate(_crowd(people, frames + _WARM_UP, seed)):
        began = time.thread_time()
        tracker.predict(number / 25)
        tracker.update(poses, number / 25, appearance=looks)
        spent.append(1000 * (time.thread_time() - began))
    median, p95 = np.percentile(spent[_WARM_UP:], [50, 95])
    return Cost(people=people, median_ms=float(median), p95_ms=float(p95))


def _crowd(people: int, frames: int, seed: int) -> list[tuple[Poses, NDArray[np.float32]]]:
    rng = np.random.default_rng(seed)
    side = _SPACING_PX * np.sqrt(people)
    shape = rng.uniform(-0.5, 0.5, (people, 17, 2)) * (0.35, 1) * _HEIGHT_PX
    place, speed = rng.uniform(0, side, (people, 2)), rng.normal(0, 60, (people, 2))
    worn = rng.uniform(0, 1, (people, _LOOKS)).astype(np.float32)
    seen = []
    for _ in range(frames):
        place = place + speed / 25
        rows = rng.permutation(np.flatnonzero(rng.random(people) < 0.9))
        points = (place[:, None] + shape)[rows] + rng.normal(0, 2, (len(rows), 17, 2))
        scores = rng.uniform(0.3, 1, (len(rows), 17))
        scores[rng.random(scores.shape) < 0.1] = 0
        half = np.array([0.2, 0.55]) * _HEIGHT_PX
        boxes = np.concatenate([place[rows] - half, place[rows] + half], 1)
        poses = Poses.create(points, scores, boxes, rng.uniform(0.5, 1, len(rows)))
        seen.append((poses, worn[rows]))
    return seen


def run(options: argparse.Namespace) -> int:
    """Measure, print the table, append the records."""
    origin = Origin.of(options, ("numpy", "scipy"))
    found = [tracker_cost(people, options.frames).record() for people in options.people]
    records.append(options.json, found, origin)
    print(tables.markdown([records.as_line(record, origin) for record in found]), end="")
    return 0
