"""Noisy observations of annotated people, the same for every tracker.

The same seed, video, frame rate and repeat give the same observations, in any order of calls.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.chains import lasting, spells
from steadypose.benchmarks.trackers.footage import (
    Footage,
    footage,
    person_sizes,
)
from steadypose.benchmarks.trackers.ghosts import ghosts
from steadypose.benchmarks.trackers.noise import Noise
from steadypose.poses import Poses
from steadypose.trackers.observations import AREA_SHARE

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LOWEST_SCORE = 0.02
_COVERED_FROM = 0.3
"""Share of a box from which on being covered makes a person vanish."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cover:
    """Who stands nearer.

    Attributes:
        share: ``(M,)`` of each box that is behind the nearer person's.
        by: ``(M,)`` row of that person; -1 where nobody is nearer.
        joints: ``(M, K)`` whether a joint lies in that one's box.
    """

    share: Floats
    by: NDArray[np.int64]
    joints: Bools


def rng_for(*what: object) -> np.random.Generator:
    """A source of chance that depends on nothing but the names given."""
    digest = hashlib.sha256("\n".join(map(str, what)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def simulate(truth: Footage, noise: Noise, seed: int, repeat: int = 0) -> Footage:
    """Observe people as a detector and an estimator would.

    Args:
        truth: The true people, with ids.
        noise: What goes wrong, and how often.
        seed: Of the chance.
        repeat: Number of this observation of the video.

    Returns:
        Observations of the same frames, in random order within each. Their ids are the true ones,
        for :func:`contenders.run_perfect` alone: ``NO_TRACK`` for false people and second looks.
    """
    rng = rng_for(seed, truth.name, len(truth), repeat)
    cover = _cover(truth)
    keypoints, scores = _joints(truth, noise, cover, rng)
    seen = ~_missed(truth, noise, cover, rng) & (scores > 0).any(1)
    boxes = _boxes(truth.people.boxes, noise.box_jitter * (1 + cover.share), rng)
    closeness = scores.sum(1) / np.maximum((scores > 0).sum(1), 1)
    person = 0.3 + 0.65 * closeness - 0.45 * cover.share
    person += noise.score_noise * rng.standard_normal(len(person))
    once = _people(truth, keypoints, scores, boxes, person)[seen]
    frames = truth.frame_of[seen]
    twice = rng.random(len(once)) < noise.duplicate
    again = _second_look(once[twice], noise, rng)
    false_frames, false = ghosts(truth, noise, rng)
    everyone = Poses.concatenate([once, again, false], truth.people.skeleton)
    frame_of = np.concatenate([frames, frames[twice], false_frames])
    order = rng.permutation(len(everyone))
    return footage(truth.name, truth.pts_s, frame_of[order], everyone[order])


def _people(
    truth: Footage, keypoints: Floats, scores: Floats, boxes: Floats, person: Floats
) -> Poses:
    person = np.clip(person, _LOWEST_SCORE, 1)
    people = truth.people
    return Poses.create(keypoints, scores, boxes, person, people.track_ids, people.skeleton)


def _cover(truth: Footage) -> _Cover:
    people = truth.people
    share, by = np.zeros(len(people)), np.full(len(people), -1)
    inside = np.zeros(people.scores.shape, bool)
    for number in range(len(truth)):
        rows = np.arange(len(people))[truth.rows(number)]
        boxes = people.boxes[rows].astype(np.float64)
        if len(rows) < 2:
            continue
        low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        area = np.maximum(person_sizes(boxes)[:, None] ** 2, 1)
        overlap = np.clip(high - low, 0, None).prod(2) / area
        nearer = boxes[None, :, 3] > boxes[:, None, 3]
        overlap = np.where(nearer, overlap, 0)
        most = overlap.argmax(1)
        share[rows] = overlap.max(1)
        by[rows] = np.where(overlap.max(1) > 0, rows[most], -1)
        points, cover = people.keypoints[rows], boxes[most][:, None]
        within = (points > cover[..., :2]).all(2) & (points < cover[..., 2:]).all(2)
        inside[rows] = within & (by[rows] >= 0)[:, None]
    return _Cover(share=share, by=by, joints=inside)


def _tracks(truth: Footage) -> list[tuple[NDArray[np.intp], Floats]]:
    """Rows of each person in the order of time, and seconds since the row before."""
    frame_of, ids = truth.frame_of, truth.people.track_ids
    usual = float(np.median(np.diff(truth.pts_s))) if len(truth) > 1 else 0.0
    found = []
    for track in np.unique(ids):
        rows = np.flatnonzero(ids == track)
        times = truth.pts_s[frame_of[rows]]
        found.append((rows, np.diff(times, prepend=times[0] - usual)))
    return found


def _missed(truth: Footage, noise: Noise, cover: _Cover, rng: np.random.Generator) -> Bools:
    """``(M,)`` who is not found: in spells, longer where covered, and now and then."""
    missed = rng.random(len(truth.people)) < noise.flicker
    hidden = np.clip((cover.share - _COVERED_FROM) / (1 - _COVERED_FROM), 0, 1)
    for rows, steps in _tracks(truth):
        begin = noise.miss_rate + noise.covered_miss_rate * hidden[rows]
        end = 1 / np.where(hidden[rows] > 0, noise.covered_miss_s, noise.miss_s)
        missed[rows] |= spells(rng, steps, begin, end)
    return missed


def _joints(
    truth: Footage, noise: Noise, cover: _Cover, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Joints ``(M, K, 2)``, NaN where missing, and scores ``(M, K)`` that tell their error."""
    people = truth.people
    true = people.keypoints.astype(np.float64)
    sizes = person_sizes(people.boxes)[:, None, None]
    spread = 2 * people.skeleton.sigmas[None, :, None] * np.sqrt(AREA_SHARE) * sizes
    found = _inverted(true, people, noise, rng)
    theft = cover.joints & (rng.random(people.scores.shape) < noise.covered_joint_theft)
    theft &= np.isfinite(true[cover.by, :, 0])
    found = np.where(theft[..., None], true[cover.by], found)
    found = found + spread * _errors(truth, noise, cover, rng)
    gross = rng.random(people.scores.shape) < noise.gross
    way = noise.gross_size * sizes * rng.standard_normal(found.shape)
    found = np.where(gross[..., None], found + way, found)
    miss = np.where(cover.joints, noise.covered_joint_miss, noise.joint_miss)
    found[rng.random(people.scores.shape) < miss] = np.nan
    distance = ((found - true) ** 2).sum(2) / spread[..., 0] ** 2
    closeness = np.exp(-np.nan_to_num(distance, nan=np.inf) / 2)
    scores = 0.25 + 0.65 * closeness + noise.score_noise * rng.standard_normal(closeness.shape)
    present = np.isfinite(found).all(2)
    return found, np.where(present, np.clip(scores, _LOWEST_SCORE, 1), 0)


def _errors(truth: Footage, noise: Noise, cover: _Cover, rng: np.random.Generator) -> Floats:
    """Jitter ``(M, K, 2)`` in OKS spreads; half of its variance lasts."""
    shape = truth.people.keypoints.shape
    errors = rng.standard_normal(shape) * np.sqrt(0.5)
    for rows, steps in _tracks(truth):
        errors[rows] += np.sqrt(0.5) * lasting(rng, steps, noise.jitter_s, shape[1:])
        quality = np.exp(noise.quality_spread * lasting(rng, steps, noise.jitter_s, (1, 1)))
        errors[rows] *= quality
    width = noise.jitter * (1 + (noise.covered_jitter - 1) * np.clip(cover.share, 0, 1))
    return np.asarray(errors * width[:, None, None])


def _inverted(true: Floats, people: Poses, noise: Noise, rng: np.random.Generator) -> Floats:
    """Joints with the arms, or the legs, of some people taken for each other."""
    found = true.copy()
    names = people.skeleton.keypoints
    for limb in (("elbow", "wrist"), ("knee", "ankle")):
        rows = np.flatnonzero(rng.random(len(people)) < noise.inversion)
        for left, right in people.skeleton.flip_pairs:
            if names[left].removeprefix("left_") in limb:
                found[rows, left], found[rows, right] = true[rows, right], true[rows, left]
    return found


def _boxes(boxes: NDArray[np.floating], width: Floats, rng: np.random.Generator) -> Floats:
    """Boxes ``(M, 4)`` moved and stretched at random by ``width`` ``(M,)``."""
    corners = boxes.astype(np.float64)
    sides = corners[:, 2:] - corners[:, :2]
    shift = width[:, None] * person_sizes(corners)[:, None] * rng.standard_normal((len(width), 2))
    half = sides / 2 * np.exp(width[:, None] * rng.standard_normal((len(width), 2)))
    centre = (corners[:, :2] + corners[:, 2:]) / 2 + shift
    return np.concatenate([centre - half, centre + half], 1)


def _second_look(people: Poses, noise: Noise, rng: np.random.Generator) -> Poses:
    """The same people as a detector finds them twice: elsewhere a little, and with less trust."""
    sizes = person_sizes(people.boxes)[:, None, None]
    spread = 2 * people.skeleton.sigmas[None, :, None] * np.sqrt(AREA_SHARE) * sizes
    jitter = noise.jitter * spread * rng.standard_normal(people.keypoints.shape)
    boxes = _boxes(people.boxes, np.full(len(people), 2 * noise.box_jitter), rng)
    return Poses.create(
        people.keypoints + jitter,
        0.9 * people.scores,
        boxes,
        0.8 * people.box_scores,
        skeleton=people.skeleton,
    )
