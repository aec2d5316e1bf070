"""People who walk: simulated motion of which the truth is known at any time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.footage import Footage, footage, person_boxes
from steadypose.poses import Poses
from steadypose.skeletons import COCO17

Floats = NDArray[np.float64]

_STANDING = {
    "nose": (0.00, 0.08),
    "eye": (0.02, 0.06),
    "ear": (0.04, 0.07),
    "shoulder": (0.11, 0.19),
    "elbow": (0.14, 0.36),
    "wrist": (0.14, 0.51),
    "hip": (0.08, 0.52),
    "knee": (0.08, 0.74),
    "ankle": (0.08, 0.96),
}
"""Half of the distance between left and right, and depth below the top of the head, in heights."""

_SWING = {"elbow": 0.05, "wrist": 0.14, "knee": 0.10, "ankle": 0.22}
"""How far a joint swings forth and back in a stride, in heights; arms against legs."""

_STRIDES_HZ = 0.95
"""Full strides per second at a usual walk."""

_WALK = 0.8
"""Its speed in heights per second."""


def walkers(count: int, seconds: float, fps: float, seed: int) -> Footage:
    """``count`` people who walk across a field whose size goes with their number, and turn round.

    The seen size of a person is 100 to 250 px; about one in five overlaps with another.

    Args:
        count: People.
        seconds: Length.
        fps: Frames per second.
        seed: Of places, sizes, speeds.
    """
    rng = np.random.default_rng(seed)
    pts_s = np.arange(round(seconds * fps)) / fps
    heights = rng.uniform(100, 250, count)
    field = 260 * np.sqrt(count)
    start, direction = rng.uniform(0, field, (count, 2)), rng.choice([-1.0, 1.0], count)
    speeds, phases = rng.uniform(0.7, 1.3, count), rng.uniform(0, 2 * np.pi, count)
    points = np.stack(
        [
            walk(pts_s, heights[i], speeds[i], phases[i], float(direction[i])) + start[i]
            for i in range(count)
        ],
        axis=1,
    ).reshape(-1, len(COCO17), 2)
    people = Poses.create(
        points,
        boxes=person_boxes(points),
        track_ids=np.tile(np.arange(1, count + 1), len(pts_s)),
    )
    return footage(f"{count} walkers", pts_s, np.repeat(np.arange(len(pts_s)), count), people)


def walk(pts_s: Floats, height: float, speed: float, phase: float, direction: float) -> Floats:
    """Joints ``(F, 17, 2)`` in pixels of one who walks to and fro along x.

    Args:
        pts_s: ``(F,)`` seconds.
        height: In pixels.
        speed: 1 is a usual walk.
        phase: Of the stride, radians.
        direction: 1 to the right first, -1 to the left.
    """
    turn = 2 * np.pi * _STRIDES_HZ * speed * pts_s + phase
    # To and fro with soft turns: a sine of 8 s, as fast as the walk in its middle.
    sway = 2 * np.pi / 8
    along = direction * _WALK * speed / sway * np.sin(sway * pts_s)
    points = np.empty((len(pts_s), len(COCO17), 2))
    for row, name in enumerate(COCO17.keypoints):
        side, _, joint = name.rpartition("_")
        half, depth = _STANDING[joint]
        sign = {"left": 1.0, "right": -1.0}.get(side, 0.0)
        arm = -1.0 if joint in ("elbow", "wrist") else 1.0
        swing = _SWING.get(joint, 0.0) * sign * arm
        points[:, row, 0] = along + sign * half + swing * np.sin(turn)
        points[:, row, 1] = depth + 0.02 * np.cos(2 * turn) - abs(swing) / 3 * np.cos(turn) ** 2
    return points * height
