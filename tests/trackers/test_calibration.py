"""Predicted variances are those of the errors, for calm and for lively people."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose.poses import Poses
from steadypose.trackers import PoseTracker, TrackerSettings
from steadypose.trackers.observations import AREA_SHARE
from tests.trackers.figures import STANDING

HEIGHT = 200.0
HALF = np.array([0.17, 0.5]) * HEIGHT
SIZE = float(np.sqrt(4 * HALF.prod()))


class Mover:
    """A person who moves as the tracker's model says, ``lively`` times as much.

    Body and joints have velocities that forget themselves (Ornstein-Uhlenbeck) and are driven by
    white acceleration of the density in the settings. The livelier, the sooner a walk is forgotten.
    """

    def __init__(self, lively: float, seed: int) -> None:
        self.settings, self.rng = TrackerSettings(), np.random.default_rng(seed)
        self.scale = np.sqrt(lively) * SIZE
        self.walk_memory_s = self.settings.walk_memory_s / lively
        self.centre, self.walk = np.array([500.0, 400.0]), np.zeros(2)
        self.own, self.swing = np.zeros((2, 17, 2))

    def step(self, dt: float, parts: int = 5) -> None:
        s, small = self.settings, dt / parts
        for _ in range(parts):
            for velocity, push, memory in (
                (self.walk, s.centre_acceleration, self.walk_memory_s),
                (self.swing, s.joint_acceleration, s.swing_memory_s),
            ):
                noise = push * self.scale * np.sqrt(small)
                velocity += noise * self.rng.normal(size=velocity.shape)
                velocity *= np.exp(-small / memory)
            self.centre = self.centre + small * self.walk
            self.own = self.own + small * self.swing

    def joint_noise(self, sigmas: NDArray[np.float64], score: float) -> NDArray[np.float64]:
        spread = self.settings.joint_noise * 2 * sigmas * np.sqrt(AREA_SHARE) * SIZE
        return np.asarray(spread / np.sqrt(score))

    def seen(self, sigmas: NDArray[np.float64], score: float = 0.8) -> Poses:
        sd = self.joint_noise(sigmas, score)[:, None]
        joints = self.centre + STANDING * HEIGHT + self.own + sd * self.rng.normal(size=(17, 2))
        middle = self.centre + self.settings.box_noise * SIZE * self.rng.normal(size=2)
        box = np.concatenate([middle - HALF, middle + HALF])
        return Poses.create(joints[None], np.full((1, 17), score), box[None], [0.9])


@pytest.mark.parametrize("fps", [25.0, 8.0])
@pytest.mark.parametrize("lively", [0.3, 1.0, 3.0])
def test_errors_are_as_large_as_predicted(lively: float, fps: float) -> None:
    joints, centres = [], []
    for seed in range(2):
        tracker, mover = PoseTracker(), Mover(lively, seed)
        sigmas = tracker.skeleton.sigmas
        for i in range(100):
            mover.step(1 / fps)
            seen = mover.seen(sigmas)
            expected = tracker.predict(i / fps)
            if i > 30:
                noise = mover.joint_noise(sigmas, 0.8) ** 2
                way = seen.keypoints[0] - expected.keypoints[0]
                joints.append(np.mean((way**2).sum(1) / 2 / (expected.keypoint_var[0] + noise)))
                middle = (expected.boxes[0, :2] + expected.boxes[0, 2:]) / 2
                off = (seen.boxes[0, :2] + seen.boxes[0, 2:]) / 2 - middle
                box_noise = (tracker.settings.box_noise * SIZE) ** 2
                centres.append((off**2).sum() / 2 / (expected.centre_var[0] + box_noise))
            tracker.update(seen, i / fps)
    assert 0.65 < np.mean(joints) < 1.4, np.mean(joints)
    assert 0.65 < np.mean(centres) < 1.4, np.mean(centres)


def test_a_calm_person_is_predicted_more_surely_than_a_lively_one() -> None:
    variances = []
    for lively in (0.2, 4.0):
        tracker, mover = PoseTracker(), Mover(lively, 0)
        for i in range(75):
            mover.step(0.04)
            tracker.update(mover.seen(tracker.skeleton.sigmas), i / 25)
        variances.append(tracker.predict(3.2).keypoint_var.mean())
    assert variances[0] < 0.5 * variances[1]
