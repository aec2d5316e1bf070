"""A person as points that move: K joints, then the centre and the size of the box.

People differ in how they move: most stand or walk, a few jump. So the acceleration of the settings
is that of an average person, and each track learns its own: the *liveliness*, a factor of the
process noise, separately for the joints and the box, is raised while observations lie farther from
the predictions than they should and lowered while they lie nearer (innovation-based adaptive
estimation, Mehra, IEEE Trans. Automatic Control 17(5), 1972).
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from steadypose.skeletons import Skeleton
from steadypose.trackers.motion import Motion, begin, correct, forget, predict
from steadypose.trackers.observations import AREA_SHARE, Observations
from steadypose.trackers.settings import TrackerSettings

Array = NDArray[np.float64]

_JOINT, CENTRE, SIZE = 0, -2, -1
"""Places of a joint, of the box's centre and of its (width, height) among a track's points."""

_LEAST_SHRINK = 0.5
"""A side of a box keeps at least this share of its length in a step, and no speed would take more.

Boxes so stay boxes: who is lost while an obstacle hides ever more of them does not dwindle.
"""

_FARTHEST = 10.0
"""Squared innovations count as at most this many times their variance: errors are no motion."""

_ENOUGH_JOINTS = 3
"""Joints from which the liveliness of the joints can be told."""

_LEAST_SCORE = 0.05
"""Lower joint scores count as this in the joint's noise, which so stays finite."""


def boxes_of(motion: Motion) -> Array:
    """Boxes ``(T, 4)`` x1 y1 x2 y2 in pixels."""
    centre, half = motion.position[:, CENTRE], motion.position[:, SIZE] / 2
    return np.concatenate([centre - half, centre + half], 1)


def sizes_of(motion: Motion) -> Array:
    """Person sizes ``(T,)`` in pixels: the square root of the area of the box."""
    sides = motion.position[:, SIZE]
    sizes: Array = np.sqrt(sides[:, 0] * sides[:, 1])
    return sizes


def new_motion(observations: Observations, skeleton: Skeleton, settings: TrackerSettings) -> Motion:
    """People seen for the first time: at rest, at an uncertain speed."""
    measured = _points(observations.keypoints, observations.boxes)
    noise = _noise(observations, skeleton, settings)
    unseen = Motion.unseen(*measured.shape[:2])
    speed_var = _speed_var(observations.sizes, measured.shape[1], settings)
    return begin(unseen, measured, noise, np.zeros_like(measured), speed_var)


def move(motion: Motion, dt_s: float, lively: Array, settings: TrackerSettings) -> Motion:
    """Predict all points ``dt_s`` seconds ahead; joints that become too uncertain are forgotten.

    ``lively`` ``(T, 2)`` is the liveliness of the joints and of the box. It says how soon people
    change their speed, not how fast they are: who is calm walks on for longer.
    """
    size = sizes_of(motion)[:, None]
    acceleration = np.array(
        [settings.joint_acceleration, settings.centre_acceleration, settings.size_acceleration]
    )
    density = (acceleration * size) ** 2
    density[:, _JOINT] *= lively[:, 0]
    density[:, CENTRE:] *= lively[:, 1:]
    memory = np.full(density.shape, settings.swing_memory_s)
    memory[:, CENTRE] = settings.walk_memory_s / lively[:, 1]
    drift = np.zeros(motion.velocity.shape)
    drift[:, :CENTRE] = motion.velocity[:, CENTRE, None]
    moved = predict(motion, dt_s, density, drift, memory, _kinds(motion.position.shape[1]))
    sides = moved.position[:, SIZE]
    np.maximum(sides, _LEAST_SHRINK * motion.position[:, SIZE], out=sides)
    growth = moved.velocity[:, SIZE]
    np.maximum(growth, -(1 - _LEAST_SHRINK) / settings.swing_memory_s * sides, out=growth)
    vague = moved.position_var > (settings.forget_joint_size * size) ** 2
    vague[:, CENTRE:] = False
    return forget(moved, vague)


@functools.cache
def _kinds(points: int) -> NDArray[np.intp]:
    """For each point of a person whether it moves as a joint, a centre or a size."""
    kinds = np.full(points, _JOINT)
    kinds[CENTRE:] = CENTRE, SIZE
    return kinds


def take_in(
    motion: Motion,
    tracks: NDArray[np.intp],
    observations: Observations,
    skeleton: Skeleton,
    lively: Array,
    settings: TrackerSettings,
) -> tuple[Motion, Array]:
    """Correct the predicted motion of ``tracks`` by one observation each, in the same order.

    Args:
        motion: Predicted motion of all T tracks.
        tracks: ``(P,)`` rows of the tracks that were observed.
        observations: The P observations.
        skeleton: Names of the joints.
        lively: ``(T, 2)`` liveliness of the joints and of the box.
        settings: Thresholds.

    Returns:
        The corrected motion of all tracks, and their new liveliness.

    A box that no detector found is the track's own predicted one and holds no news; it then moves
    with its joints.
    """
    if not len(tracks):
        return motion, lively
    boxes, found = observations.boxes, observations.detected
    if not found.all():
        shifted = _boxes_from_joints(motion[tracks], observations)
        boxes = np.where(found[:, None], boxes, shifted)
    measured = np.full(motion.position.shape, np.nan)
    noise = np.ones(motion.position.shape[:2])
    measured[tracks] = _points(observations.keypoints, boxes)
    noise[tracks] = _noise(observations, skeleton, settings)
    lively = _livelier(motion, measured, noise, lively, settings)
    corrected = correct(motion, measured, noise)
    new = ~corrected.seen & np.isfinite(measured[..., 0])
    if not new.any():
        return corrected, lively
    velocity = np.broadcast_to(corrected.velocity[:, [CENTRE]], measured.shape)
    speed_var = _speed_var(sizes_of(corrected), motion.position.shape[1], settings)
    return begin(corrected, measured, noise, velocity, speed_var), lively


def _livelier(
    motion: Motion, measured: Array, noise: Array, lively: Array, settings: TrackerSettings
) -> Array:
    """Liveliness ``(T, 2)`` after an observation: the mean squared innovation ought to be 1."""
    way = measured - motion.position
    squared = (way[..., 0] ** 2 + way[..., 1] ** 2) / (2 * (motion.position_var + noise))
    known = np.isfinite(squared)
    squared = np.where(known, np.minimum(squared, _FARTHEST), 0.0)
    count = known[:, :CENTRE].sum(1)
    news = np.ones(lively.shape)
    np.divide(squared[:, :CENTRE].sum(1), count, out=news[:, 0], where=count >= _ENOUGH_JOINTS)
    np.copyto(news[:, 1], squared[:, CENTRE], where=known[:, CENTRE])
    lively = lively * (1 + settings.liveliness_rate * (news - 1))
    return np.minimum(np.maximum(lively, settings.calmest), settings.liveliest)


def _points(keypoints: Array, boxes: Array) -> Array:
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    return np.concatenate([keypoints, (low + high) / 2, high - low], 1)


def _noise(observations: Observations, skeleton: Skeleton, settings: TrackerSettings) -> Array:
    """Variances ``(M, K + 2)`` in px^2: the joints' after their OKS spread and their score."""
    size = observations.sizes[:, None]
    spread = settings.joint_noise * 2 * math.sqrt(AREA_SHARE) * skeleton.sigmas * size
    joints = spread**2 / np.maximum(observations.scores, _LEAST_SCORE)
    box = (settings.box_noise * size) ** 2
    return np.concatenate([joints, box, box], 1)


def _speed_var(sizes: Array, points: int, settings: TrackerSettings) -> Array:
    """Variance ``(T, points)`` in (px/s)^2 of a speed that nothing is known of."""
    variance: Array = np.repeat(((settings.start_speed * sizes) ** 2)[:, None], points, 1)
    return variance


def _boxes_from_joints(motion: Motion, observations: Observations) -> Array:
    """Predicted boxes moved by the mean way, weighted by score, from predicted to seen joints.

    A box around the outermost joints would be no better: its sides hang on the noise of single
    joints, it drifts outwards, and a foot out of sight would cut it.
    """
    way = observations.keypoints - motion.position[:, :CENTRE]
    known = np.isfinite(way)
    weight = np.where(known, observations.scores[..., None], 0.0)
    total = np.maximum(weight.sum(1), 1e-12)
    shift = (weight * np.where(known, way, 0.0)).sum(1) / total
    boxes: Array = boxes_of(motion) + np.concatenate([shift, shift], 1)
    return boxes
