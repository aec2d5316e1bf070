from __future__ import annotations

import numpy as np
import pytest
from filterpy.common import Q_continuous_white_noise
from filterpy.kalman import KalmanFilter, rts_smoother
from numpy.typing import NDArray

from steadypose import Poses
from steadypose.skeletons import COCO17
from steadypose.trackers.fixed_lag import _START_SPEED, FixedLag
from steadypose.trackers.observations import AREA_SHARE
from steadypose.trackers.smoothing import SmoothingSettings, smooth_all

SIZE, SCORE, JOINT = 80.0, 0.64, 9
SETTINGS = SmoothingSettings(lag_s=1e6, gap_s=1.0, acceleration=2.0, joint_noise=0.5)


def noise_var() -> float:
    spread = SETTINGS.joint_noise * 2 * COCO17.sigmas[JOINT] * np.sqrt(AREA_SHARE) * SIZE
    return float(spread**2 / SCORE)


def model(dt: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    density = (SETTINGS.acceleration * SIZE) ** 2
    return np.array([[1.0, dt], [0.0, 1.0]]), Q_continuous_white_noise(2, dt, density)


def by_filterpy(dt: float, seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smoothed positions of one coordinate in even steps; NaN in ``seen`` where it was not."""
    kalman = KalmanFilter(dim_x=2, dim_z=1)
    kalman.H = np.array([[1.0, 0.0]])
    kalman.R = np.array([[noise_var()]])
    kalman.x = np.array([[seen[0]], [0.0]])
    kalman.P = np.diag([noise_var(), (_START_SPEED * SIZE) ** 2])
    kalman.F, kalman.Q = model(dt)
    states, covariances = [kalman.x.copy()], [kalman.P.copy()]
    for value in seen[1:]:
        kalman.predict()
        if np.isfinite(value):
            kalman.update(value)
        states.append(kalman.x.copy())
        covariances.append(kalman.P.copy())
    smooth, *_ = rts_smoother(
        np.array(states), np.array(covariances), [kalman.F] * len(seen), [kalman.Q] * len(seen)
    )
    return np.asarray(smooth)[:, 0, 0]


def by_least_squares(dt: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same for any steps: the most likely path of all positions and speeds at once."""
    n = len(seen)
    weight, wanted = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)
    weight[:2, :2] = np.diag([1 / noise_var(), 1 / (_START_SPEED * SIZE) ** 2])
    wanted[0] = seen[0] / noise_var()
    for k in range(1, n):
        move, noise = model(dt[k - 1])
        step = np.hstack([-move, np.eye(2)])
        weight[2 * k - 2 : 2 * k + 2, 2 * k - 2 : 2 * k + 2] += step.T @ np.linalg.inv(noise) @ step
        if np.isfinite(seen[k]):
            weight[2 * k, 2 * k] += 1 / noise_var()
            wanted[2 * k] += seen[k] / noise_var()
    return np.asarray(np.linalg.solve(weight, wanted))[::2]


def clip_of(times: NDArray[np.float64], seen: NDArray[np.float64]) -> list[tuple[float, Poses]]:
    """One person whose joint moves as told along x; the others stand still."""
    clip = []
    for t, value in zip(times, seen, strict=True):
        points, scores = np.full((1, 17, 2), 30.0), np.full((1, 17), SCORE)
        points[0, JOINT, 0] = value
        scores[0, JOINT] = SCORE if np.isfinite(value) else 0
        box = [[0.0, 0.0, SIZE, SIZE]]
        clip.append((float(t), Poses.create(points, scores, box, track_ids=[5])))
    return clip


@pytest.mark.parametrize("steps", ["even", "uneven"])
@pytest.mark.parametrize("missing", [(), (4,), (4, 5, 11)], ids=str)
def test_as_filterpy_and_the_definition_have_it(steps: str, missing: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    dt = np.full(19, 0.04) if steps == "even" else rng.uniform(0.01, 0.2, 19)
    times = np.concatenate([[0.0], np.cumsum(dt)])
    seen = (30 + 40 * np.sin(2 * times) + rng.normal(0, 3, 20)).astype(np.float32).astype(float)
    seen[list(missing)] = np.nan
    shown = smooth_all(clip_of(times, seen), FixedLag(SETTINGS))
    found = np.array([poses.keypoints[0, JOINT, 0] for poses in shown])
    there = np.isfinite(seen)
    np.testing.assert_array_equal(np.isfinite(found), there)
    # The poses' float32 holds 80 px to 4e-6.
    np.testing.assert_allclose(found[there], by_least_squares(dt, seen)[there], rtol=0, atol=2e-5)
    if steps == "even":
        np.testing.assert_allclose(found[there], by_filterpy(0.04, seen)[there], rtol=0, atol=2e-5)


def test_a_frame_waits_for_the_lag_and_no_longer() -> None:
    times = np.arange(20) / 20
    clip = clip_of(times, 30 + 10 * times)
    smoother = FixedLag(SmoothingSettings(lag_s=0.2))
    done = [len(smoother.push(poses, pts_s)) for pts_s, poses in clip]
    assert done == [0] * 4 + [1] * 16
    assert len(smoother.flush()) == 4


def test_a_frame_is_smoothed_by_those_within_the_lag_alone() -> None:
    times = np.arange(30) / 25
    seen = 30 + np.random.default_rng(0).normal(0, 3, 30)
    lag = SmoothingSettings(lag_s=0.2)
    shown = smooth_all(clip_of(times, seen), FixedLag(lag))
    whole = smooth_all(clip_of(times[:16], seen[:16]), FixedLag(SmoothingSettings(lag_s=100.0)))
    np.testing.assert_array_equal(shown[10].keypoints, whole[10].keypoints)


def test_people_come_and_go() -> None:
    rng = np.random.default_rng(1)
    clip, expected = [], []
    for number in range(40):
        ids = [i for i in (1, 2, 3) if (number // 5 + i) % 3 != 0]
        points = rng.normal(100, 3, (len(ids), 17, 2)) + 200 * np.array(ids)[:, None, None]
        boxes = [[200 * i, 50, 200 * i + 80, 150] for i in ids]
        clip.append((number / 25, Poses.create(points, boxes=boxes, track_ids=ids)))
        expected.append(ids)
    shown = smooth_all(clip, FixedLag())
    assert [poses.track_ids.tolist() for poses in shown] == expected
    for poses in shown:
        middle = np.nanmean(poses.keypoints[..., 0], 1)
        np.testing.assert_allclose(middle, 100 + 200 * poses.track_ids, atol=5)


def test_each_person_is_smoothed_as_if_alone() -> None:
    times = np.arange(20) / 25
    rng = np.random.default_rng(2)
    alone = [clip_of(times, 30 + rng.normal(0, 4, 20)) for _ in range(2)]
    both = [
        (pts_s, Poses.concatenate([a, b.with_track_ids([2])]))
        for (pts_s, a), (_, b) in zip(*alone, strict=True)
    ]
    together = smooth_all(both, FixedLag())
    for person, clip in enumerate(alone):
        for poses, expected in zip(together, smooth_all(clip, FixedLag()), strict=True):
            np.testing.assert_array_equal(poses.keypoints[person], expected.keypoints[0])
