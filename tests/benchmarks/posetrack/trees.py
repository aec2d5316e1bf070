"""Random clips: people who come, go, lose joints and come near one another; shaken predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from steadypose.benchmarks.posetrack.clip import JOINTS, Clip
from tests.benchmarks.posetrack.made_up import clip, heads


def truth_clip(
    rng: np.random.Generator, name: str = "000001_mpii_test", frames: int = 5, people: int = 4
) -> Clip:
    """People who walk; some joints, people and frames are missing, one region is ignored."""
    spread = rng.choice([15.0, 80.0, 400.0])
    start = rng.uniform(20, 20 + spread, (people, JOINTS, 2))
    step = rng.normal(0, 4, (people, 1, 2))
    places = start + np.arange(frames)[:, None, None, None] * step
    places = np.round(places, 2)
    places[rng.random(places.shape[:3]) < 0.15] = np.nan
    ids = np.where(rng.random((frames, people)) < 0.85, np.arange(people) + 1, -1)
    if rng.random() < 0.3:
        ids[rng.integers(frames)] = -1
    made = clip(places, ids, name)
    images = made.images
    square = np.array([[30.0, 30], [60, 30], [60, 60], [30, 60]])
    regions = tuple((square,) if rng.random() < 0.2 else () for _ in range(frames))
    labelled = rng.random(frames) < 0.9
    persons = made.persons[labelled[made.persons.image]]
    return replace(
        made, images=replace(images, regions=regions, labelled=labelled), persons=persons
    )


def shaken(rng: np.random.Generator, truth: Clip) -> Clip:
    """Predictions: moved joints, missing people, ids that change, people who are not there."""
    persons = truth.persons[rng.random(len(truth.persons)) < 0.85]
    points = np.round(persons.points + rng.normal(0, 6, persons.points.shape), 2)
    points[rng.random(points.shape[:2]) < 0.1] = np.nan
    ids = persons.track_ids.copy()
    for image in range(len(truth.images)):
        here = np.flatnonzero(persons.image == image)
        if rng.random() < 0.4:
            ids[here] = rng.permutation(ids[here]) + rng.choice([0, 3])
    scores = np.where(
        np.isfinite(points[..., 0]), np.round(rng.random(points.shape[:2]), 1), np.nan
    )
    moved = replace(persons, points=points, track_ids=ids, scores=scores, heads=heads(points))
    return replace(truth, persons=moved)


def clips(rng: np.random.Generator, **how: object) -> tuple[Clip, Clip]:
    """Truth and predictions."""
    truth = truth_clip(rng, **how)  # type: ignore[arg-type]
    return truth, shaken(rng, truth)
