"""How far off a track's expectation of a pose is: measured motion as a model to draw from.

Measured on the Bonn Multi-Person PoseTrack annotations (Iqbal, Milan, Gall, CVPR 2017; 218 tracks
of 40 videos, 25 frames/s) by skipping frames. In PCKh head lengths, median / 90th percentile of
the distance:

============================ =========== =========== ===========
constant velocity, 1 frame   25 fps      12.5 fps    6.25 fps
============================ =========== =========== ===========
whole body (median of its
joints' errors)              0.05 / 0.19 0.10 / 0.32 0.19 / 0.72
head top, own part           0.05 / 0.23 0.09 / 0.31 0.13 / 0.46
neck, own part               0.05 / 0.21 0.08 / 0.27 0.12 / 0.36
shoulders, own part          0.07 / 0.24 0.10 / 0.32 0.15 / 0.46
elbows, own part             0.09 / 0.34 0.14 / 0.50 0.23 / 0.92
wrists, own part             0.11 / 0.43 0.17 / 0.72 0.31 / 1.53
hips, own part               0.06 / 0.29 0.10 / 0.38 0.16 / 0.55
knees, own part              0.09 / 0.35 0.14 / 0.49 0.23 / 0.85
ankles, own part             0.09 / 0.37 0.15 / 0.59 0.26 / 1.13
============================ =========== =========== ===========

The own part is what remains of a joint's error after the whole body's. A joint follows its parent
by 0.3 to 0.4 (wrist on elbow), 0.2 (ankle on knee) or 0.1 and less; errors along a person's main
direction are twice those across it (median ratio 1.9); the spread of 90th percentile over median
says that people are still or lively (log-normal, sigma 0.8).

The last known pose instead of a prediction, after 0.16 / 0.48 / 0.96 s: the body has moved by
0.29 / 0.63 / 1.02 (90th percentile 1.0 / 2.5 / 4.1), its size changed by 1.5 / 3.0 / 4.3 %
(8 / 15 / 19 %), the forearm turned by 7 / 14 / 19 degrees (47 / 91 / 99), the upper arm by
4 / 8 / 10 (28 / 54 / 65), the shin by 4 / 6 / 7 (18 / 32 / 36).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.skeletons import COCO19

Array = NDArray[np.float64]

_K = len(COCO19)
_RAYLEIGH_MEDIAN = float(np.sqrt(2 * np.log(2)))

PREDICTED_S = (1 / 30, 1 / 5)
"""Ages in seconds of a prediction that was made from the frame before, drawn log-uniformly."""
STALE_S = (0.16, 1.0)
"""Ages in seconds of a stale pose, drawn log-uniformly."""

_STEP_S = 0.08
_WHOLE_MEDIAN, _WHOLE_GROWTH = 0.098, 0.95
_OWN_GROWTH = 0.7
_OWN_MEDIAN = {
    "nose": 0.088,
    "eye": 0.088,
    "ear": 0.088,
    "shoulder": 0.103,
    "elbow": 0.142,
    "wrist": 0.173,
    "hip": 0.103,
    "knee": 0.141,
    "ankle": 0.150,
    "head_top": 0.088,
    "neck": 0.080,
}
"""Head lengths at 12.5 frames/s; the face, which the annotations lack, as the head top."""
_LIVELINESS = 0.8
_ALONG = 1.6
_FOLLOWS = {"wrist": ("elbow", 0.38), "elbow": ("shoulder", 0.1), "ankle": ("knee", 0.2)}
_FACE_TOGETHER = 0.8

_STALE_S = 0.48
_STALE_SHIFT, _STALE_SCALE, _STALE_GROWTH, _STALE_LIVELINESS = 0.61, 0.03, 0.7, 0.9
_TURN_DEG = {"shoulder": 8.0, "elbow": 14.0, "hip": 6.0, "knee": 6.0}
"""Median turn after ``_STALE_S`` of what hangs on a joint."""
_NORMAL_MEDIAN = 0.6745


@dataclass(frozen=True, kw_only=True, eq=False)
class Moved:
    """A pose that is off.

    Attributes:
        keypoints: ``(19, 2)`` float64 pixels.
        variance: ``(19,)`` float64 px^2 of each coordinate's error, as a track that knows its
            motion well would state it.
    """

    keypoints: Array
    variance: Array


def _kind(joint: str) -> str:
    return joint.removeprefix("left_").removeprefix("right_")


def _own_spread() -> Array:
    """``(K,)`` standard deviation of a coordinate's own part, head lengths at ``_STEP_S``."""
    medians = np.array([_OWN_MEDIAN[_kind(joint)] for joint in COCO19.keypoints])
    return np.asarray(medians / _RAYLEIGH_MEDIAN)


def _mixing() -> Array:
    """``(K, K)`` rows of unit length that turn independent noise into that of linked joints."""
    mix = np.eye(_K)
    for k, joint in enumerate(COCO19.keypoints):
        side = joint.removesuffix(_kind(joint))
        if _kind(joint) in _FOLLOWS:
            parent, share = _FOLLOWS[_kind(joint)]
            mix[k, COCO19.index(side + parent)] = share
        elif _kind(joint) in ("eye", "ear"):
            mix[k, COCO19.index("nose")] = _FACE_TOGETHER / np.sqrt(1 - _FACE_TOGETHER**2)
    return np.asarray(mix / np.linalg.norm(mix, axis=1, keepdims=True))


_OWN = _own_spread()
_MIXING = _mixing()


def draw_age(rng: np.random.Generator, limits_s: tuple[float, float]) -> float:
    """A log-uniform age in seconds."""
    return float(np.exp(rng.uniform(*np.log(limits_s))))


def prediction_error(rng: np.random.Generator, head_px: float, age_s: float) -> tuple[Array, Array]:
    """Error of a constant-velocity prediction ``age_s`` ahead.

    Args:
        rng: Source of all chance; advanced.
        head_px: PCKh head length in pixels.
        age_s: Time since the frame that it was made from, in seconds.

    Returns:
        ``(19, 2)`` float64 errors in pixels, and ``(19,)`` float64 their variance, px^2.
    """
    liveliness = head_px * np.exp(rng.normal(scale=_LIVELINESS))
    whole = liveliness * _WHOLE_MEDIAN / _RAYLEIGH_MEDIAN * (age_s / _STEP_S) ** _WHOLE_GROWTH
    own = liveliness * _OWN * (age_s / _STEP_S) ** _OWN_GROWTH
    noise = own[:, None] * (_MIXING @ rng.normal(size=(_K, 2))) + whole * rng.normal(size=2)
    angle = rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    # Stretched along the motion and pressed across it by the same factor.
    stretched = (noise @ along)[:, None] * along * (_ALONG**0.5 - _ALONG**-0.5)
    return noise * _ALONG**-0.5 + stretched, own**2 + whole**2


def predicted(rng: np.random.Generator, pose: Array, head_px: float, age_s: float) -> Moved:
    """Where a track would expect the pose ``(19, 2)`` that it last saw ``age_s`` ago."""
    error, variance = prediction_error(rng, head_px, age_s)
    return Moved(keypoints=pose + error, variance=variance)


def outdated(rng: np.random.Generator, pose: Array, head_px: float, age_s: float) -> Moved:
    """What the pose ``(19, 2)`` was ``age_s`` ago: elsewhere, of another size, limbs turned."""
    growth = (age_s / _STALE_S) ** _STALE_GROWTH
    lively = growth * np.exp(rng.normal(scale=_STALE_LIVELINESS))
    turned = _turn_limbs(rng, pose, lively)
    centre = np.nanmean(turned, axis=0) if np.isfinite(turned).any() else np.zeros(2)
    size = np.exp(np.clip(rng.normal(scale=lively * _STALE_SCALE / _NORMAL_MEDIAN), -0.4, 0.4))
    shift_px = head_px * lively * _STALE_SHIFT / _RAYLEIGH_MEDIAN
    error, small = prediction_error(rng, head_px, PREDICTED_S[0])
    moved = centre + size * (turned - centre) + rng.normal(scale=shift_px, size=2) + error
    return Moved(keypoints=moved, variance=small + shift_px**2)


def _turn_limbs(rng: np.random.Generator, pose: Array, lively: float) -> Array:
    """Turn each limb about its joint, and what hangs on it with it."""
    turned = pose.copy()
    for pivot, tail in _TURNS:
        deg = _TURN_DEG[_kind(COCO19.keypoints[pivot])] / _NORMAL_MEDIAN * lively
        angle = np.clip(rng.normal(scale=np.radians(deg)), -np.pi, np.pi)
        cos, sin = np.cos(angle), np.sin(angle)
        way = turned[tail] - turned[pivot]
        turned[tail] = turned[pivot] + way @ np.array([[cos, sin], [-sin, cos]])
    return turned


def _turns() -> tuple[tuple[int, list[int]], ...]:
    """Pivot and all joints beyond it, from the body outward."""
    chains = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
    rows = [
        [COCO19.index(f"{side}_{joint}") for joint in chain]
        for side in ("left", "right")
        for chain in chains
    ]
    return tuple((row[i], row[i + 1 :]) for i in (0, 1) for row in rows)


_TURNS = _turns()
