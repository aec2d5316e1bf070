"""What runs here: Steadypose's tracker, plain SORT, and who knows the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.footage import Footage
from steadypose.benchmarks.trackers.peers import Tracked, Variant, frame_rate
from steadypose.benchmarks.trackers.plain_sort import PlainSort
from steadypose.poses import Poses
from steadypose.trackers import PoseTracker, TrackerSettings

OURS, PLAIN, PERFECT = "Steadypose", "plain SORT", "perfect"

PLAIN_VARIANTS: tuple[Variant, ...] = (
    {"max_age_s": 0.0},
    {"max_age_s": 1.0},
    {"max_age_s": 1.0, "min_iou": 0.1},
)
"""The paper's settings first; ``max_age_s`` is in seconds, and one frame at least."""

_Step = Callable[[Poses, float], tuple[NDArray[np.int64], float]]
"""Takes the people of the next frame and its time; returns their ids and the seconds it took."""


def run_ours(
    settings: TrackerSettings,
    videos: Sequence[Footage],
    looks: Callable[[Poses], NDArray[np.float32]] | None = None,
) -> Tracked:
    """Track videos with Steadypose, a new tracker for each.

    Args:
        settings: Of the tracker.
        videos: To be tracked.
        looks: What the people of a frame look like, where the tracker is to know.
    """

    def make(video: Footage) -> _Step:
        tracker = PoseTracker(settings, video.people.skeleton)

        def step(people: Poses, pts_s: float) -> tuple[NDArray[np.int64], float]:
            worn = looks(people) if looks else None
            began = time.perf_counter()
            tracked = tracker.update(people, pts_s, appearance=worn)
            spent = time.perf_counter() - began
            ids = np.full(len(people), -1, np.int64)
            ids[_rows_of(tracked, people)] = tracked.track_ids
            return ids, spent

        return step

    return _run(make, videos)


def run_plain(variant: Variant, videos: Sequence[Footage]) -> Tracked:
    """Track videos with plain SORT, a new tracker for each."""

    def make(video: Footage) -> _Step:
        options = dict(variant)
        age = max(1, round(options.pop("max_age_s") * frame_rate(video)))
        tracker = PlainSort(max_age=age, **options)

        def step(people: Poses, _: float) -> tuple[NDArray[np.int64], float]:
            boxes, scores = people.boxes.astype(np.float64), people.box_scores.astype(np.float64)
            began = time.perf_counter()
            ids = tracker.update(boxes, scores)
            return ids, time.perf_counter() - began

        return step

    return _run(make, videos)


def run_perfect(videos: Sequence[Footage]) -> Tracked:
    """The true id of every observation of a person: what perfect association would score."""
    return Tracked(
        ids=[video.people.track_ids for video in videos],
        frame_s=[np.zeros(len(video)) for video in videos],
    )


def _run(make: Callable[[Footage], _Step], videos: Sequence[Footage]) -> Tracked:
    ids, seconds = [], []
    for video in videos:
        step = make(video)
        steps = [step(people, pts_s) for pts_s, people in video]
        ids.append(np.concatenate([found for found, _ in steps]))
        seconds.append(np.array([spent for _, spent in steps]))
    return Tracked(ids=ids, frame_s=seconds)


def _rows_of(tracked: Poses, people: Poses) -> NDArray[np.intp]:
    """Which rows of ``people`` came back: the tracker keeps their order and changes no box."""
    rows, place = np.empty(len(tracked), np.intp), 0
    for i, box in enumerate(tracked.boxes):
        while not (
            np.array_equal(people.boxes[place], box)
            and np.array_equal(people.keypoints[place], tracked.keypoints[i], equal_nan=True)
        ):
            place += 1
        rows[i] = place
        place += 1
    return rows
