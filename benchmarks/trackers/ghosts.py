"""People who are not there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.footage import Footage, person_boxes, person_sizes
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.poses import Poses
from steadypose.trackers.observations import AREA_SHARE


def ghosts(
    truth: Footage, noise: Noise, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Poses]:
    """False people: poses of the video elsewhere in the picture, for a while, weak.

    Args:
        truth: The true people.
        noise: How many, how long, how sure.
        rng: Source of chance.

    Returns:
        ``(G,)`` frame of each, and the people.
    """
    frames: list[int] = []
    rows: list[int] = []
    shifts: list[NDArray[np.float64]] = []
    low, high = truth.people.boxes[:, :2].min(0), truth.people.boxes[:, 2:].max(0)
    for first, count in enumerate(_births(truth, noise, rng)):
        for _ in range(count):
            row = int(rng.integers(len(truth.people)))
            box = truth.people.boxes[row]
            shift = rng.uniform(low, high) - (box[:2] + box[2:]) / 2
            end = truth.pts_s[first] + rng.exponential(noise.ghost_s)
            stay = np.arange(first, max(first + 1, int(np.searchsorted(truth.pts_s, end))))
            frames += stay.tolist()
            rows += [row] * len(stay)
            shifts += [shift] * len(stay)
    if not frames:
        return np.empty(0, np.int64), Poses.empty(truth.people.skeleton)
    return np.array(frames), _people(truth.people[rows], np.array(shifts), noise, rng)


def _births(truth: Footage, noise: Noise, rng: np.random.Generator) -> NDArray[np.int64]:
    """``(F,)`` how many ghosts begin at each frame."""
    step = float(np.median(np.diff(truth.pts_s))) if len(truth) > 1 else 0.0
    expected = noise.ghost_rate * step * (np.diff(truth.offsets) + 1)
    return np.asarray(rng.poisson(expected))


def _people(
    shapes: Poses, shifts: NDArray[np.float64], noise: Noise, rng: np.random.Generator
) -> Poses:
    sizes = person_sizes(shapes.boxes)[:, None, None]
    spread = 2 * shapes.skeleton.sigmas[None, :, None] * np.sqrt(AREA_SHARE) * sizes
    points = shapes.keypoints + shifts[:, None]
    points = points + 2 * noise.jitter * spread * rng.standard_normal(points.shape)
    points[rng.random(points.shape[:2]) < noise.covered_joint_miss] = np.nan
    person = np.clip(
        noise.ghost_score + 1.5 * noise.score_noise * rng.standard_normal(len(shapes)), 0.02, 1
    )
    joint = person[:, None] + noise.score_noise * rng.standard_normal(points.shape[:2])
    joint = np.clip(joint, 0.02, 1)
    return Poses.create(points, joint, person_boxes(points), person, skeleton=shapes.skeleton)
