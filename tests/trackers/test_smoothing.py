from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steadypose import Poses
from steadypose.errors import ConfigError, InputError
from steadypose.trackers.smoothing import (
    KINDS,
    OneEuro,
    SmoothingSettings,
    make_smoother,
    smooth_all,
)
from tests.trackers.figures import figures, without_joints

Clip = list[tuple[float, Poses]]

SMOOTHERS = [kind for kind in KINDS if kind != "off"]
MIDDLES = ((100.0, 200.0), (420.0, 220.0))


def shaky(frames: int, fps: float = 25.0, width: float = 2.0, speed: float = 0.0) -> Clip:
    """Two people, who shake, and walk at ``speed`` px/s."""
    rng = np.random.default_rng(0)
    clip = []
    for number in range(frames):
        middles = np.array(MIDDLES)
        middles[:, 0] += speed * number / fps
        still = figures(middles)
        points = still.keypoints + rng.normal(0, width, still.keypoints.shape)
        poses = Poses.create(points, still.scores, still.boxes, still.box_scores, [7, 3])
        clip.append((number / fps, poses))
    return clip


def joints(clip: list[Poses]) -> NDArray[np.float64]:
    return np.stack([poses.keypoints for poses in clip]).astype(np.float64)


def restless(points: NDArray[np.float64]) -> float:
    """Mean size of the second differences over time."""
    return float(np.abs(np.diff(points, 2, axis=0)).mean())


@pytest.mark.parametrize(("kind", "left"), [("one-euro", 0.5), ("fixed-lag", 0.35)])
@pytest.mark.parametrize("fps", [12.0, 25.0, 60.0])
def test_what_shakes_shakes_less(kind: str, left: float, fps: float) -> None:
    clip = shaky(60, fps)
    smooth = joints(smooth_all(clip, make_smoother(kind) or OneEuro()))
    assert restless(smooth[10:]) < left * restless(joints([p for _, p in clip])[10:])


@pytest.mark.parametrize("kind", SMOOTHERS)
def test_frames_come_back_each_once_with_ids_and_scores(kind: str) -> None:
    clip = shaky(20)
    smoother = make_smoother(kind)
    assert smoother is not None
    shown = smooth_all(clip, smoother)
    assert len(shown) == 20
    for poses, (_, given_poses) in zip(shown, clip, strict=True):
        np.testing.assert_array_equal(poses.track_ids, given_poses.track_ids)
        np.testing.assert_array_equal(poses.scores, given_poses.scores)
        np.testing.assert_allclose(poses.keypoints, given_poses.keypoints, atol=20)
    assert smoother.flush() == []


@pytest.mark.parametrize("kind", SMOOTHERS)
def test_missing_joints_stay_missing_and_the_rest_is_as_before(kind: str) -> None:
    clip = shaky(20)
    clip[8] = (clip[8][0], without_joints(clip[8][1], [9, 10]).with_track_ids([7, 3]))
    smoother = make_smoother(kind)
    assert smoother is not None
    shown = smooth_all(clip, smoother)
    for poses, (_, given_poses) in zip(shown, clip, strict=True):
        np.testing.assert_array_equal(poses.present, given_poses.present)
    assert np.isnan(shown[8].keypoints[:, 9:11]).all()
    assert (np.abs(shown[9].keypoints[:, 9] - clip[9][1].keypoints[:, 9]) > 0).any()


@pytest.mark.parametrize("kind", SMOOTHERS)
@pytest.mark.parametrize("missing", ["person", "joint"])
def test_nothing_is_smoothed_over_a_gap(kind: str, missing: str) -> None:
    clip = shaky(40, width=0.0)
    for number in range(10, 40):
        pts_s, poses = clip[number]
        jumped = Poses.create(poses.keypoints + 90, poses.scores, poses.boxes + 90)
        jumped = jumped.with_track_ids([7, 3])
        if number < 20:
            jumped = jumped[[]] if missing == "person" else without_joints(jumped, [4])
            jumped = jumped if missing == "person" else jumped.with_track_ids([7, 3])
        clip[number] = (pts_s, jumped)
    smoother = make_smoother(kind)
    assert smoother is not None
    shown = smooth_all(clip, smoother)
    before, after = shown[9].keypoints[:, 4], shown[20].keypoints[:, 4]
    np.testing.assert_allclose(before, clip[9][1].keypoints[:, 4], atol=1e-3)
    np.testing.assert_allclose(after, clip[20][1].keypoints[:, 4], atol=1e-3)


@pytest.mark.parametrize("kind", SMOOTHERS)
def test_nothing_is_smoothed_from_one_id_to_another(kind: str) -> None:
    clip = shaky(20, width=0.0)
    swapped = [
        (pts_s, poses.with_track_ids([7, 3] if n < 10 else [3, 9]))
        for n, (pts_s, poses) in enumerate(clip)
    ]
    smoother = make_smoother(kind, SmoothingSettings(gap_s=0.01))
    assert smoother is not None
    shown = smooth_all(swapped, smoother)
    for poses, (_, given_poses) in zip(shown, clip, strict=True):
        np.testing.assert_allclose(poses.keypoints, given_poses.keypoints, atol=1e-3)


@pytest.mark.parametrize("kind", SMOOTHERS)
@pytest.mark.parametrize("times", [(0.0, 0.04, 0.04), (0.0, 0.04, 0.01), (0.0, 0.04, 3600.0)])
def test_time_that_stands_still_goes_back_or_leaps(kind: str, times: tuple[float, ...]) -> None:
    clip = [(t, poses) for t, (_, poses) in zip(times, shaky(3), strict=True)]
    smoother = make_smoother(kind)
    assert smoother is not None
    shown = smooth_all(clip, smoother)
    assert len(shown) == 3
    np.testing.assert_array_equal(shown[2].keypoints, clip[2][1].keypoints)


@pytest.mark.parametrize("kind", SMOOTHERS)
def test_people_without_an_id_come_back_as_they_are(kind: str) -> None:
    clip = [(pts_s, poses.with_track_ids([-1, 4])) for pts_s, poses in shaky(20)]
    doubled = [(t, Poses.concatenate([poses, poses[[0]]])) for t, poses in clip]
    smoother, alone = make_smoother(kind), make_smoother(kind)
    assert smoother is not None
    assert alone is not None
    expected = smooth_all([(t, poses[[1]]) for t, poses in clip], alone)
    for shown, (_, raw), named in zip(
        smooth_all(doubled, smoother), doubled, expected, strict=True
    ):
        np.testing.assert_array_equal(shown.keypoints[[0, 2]], raw.keypoints[[0, 2]])
        np.testing.assert_array_equal(shown.keypoints[[1]], named.keypoints)


@pytest.mark.parametrize("kind", SMOOTHERS)
def test_frames_without_people(kind: str) -> None:
    smoother = make_smoother(kind)
    assert smoother is not None
    clip = [(n / 25, Poses.empty()) for n in range(5)]
    assert [len(poses) for poses in smooth_all(clip, smoother)] == [0] * 5


@settings(max_examples=15)
@given(
    scale=st.floats(0.2, 20.0),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    kind=st.sampled_from(SMOOTHERS),
)
def test_scale_and_place_make_no_difference(
    scale: float, shift: tuple[float, float], kind: str
) -> None:
    clip = shaky(12, width=6.0)

    def moved(poses: Poses) -> Poses:
        box = poses.boxes * scale + np.tile(np.array(shift, np.float32), 2)
        points = poses.keypoints * scale + np.array(shift, np.float32)
        return Poses.create(points, poses.scores, box, track_ids=poses.track_ids)

    one, other = make_smoother(kind), make_smoother(kind)
    assert one is not None
    assert other is not None
    expected = joints([moved(poses) for poses in smooth_all(clip, one)])
    shown = joints(smooth_all([(t, moved(poses)) for t, poses in clip], other))
    np.testing.assert_allclose(shown, expected, atol=2e-3 * scale + 1e-2)


@given(order=st.permutations(range(2)), kind=st.sampled_from(SMOOTHERS))
def test_the_order_of_people_makes_no_difference(order: list[int], kind: str) -> None:
    clip = shaky(15)
    one, other = make_smoother(kind), make_smoother(kind)
    assert one is not None
    assert other is not None
    mixed = [(t, poses[order] if n % 2 else poses) for n, (t, poses) in enumerate(clip)]
    for number, (a, b) in enumerate(
        zip(smooth_all(clip, one), smooth_all(mixed, other), strict=True)
    ):
        expected = a[order] if number % 2 else a
        np.testing.assert_allclose(b.keypoints, expected.keypoints, atol=1e-4)


def test_the_formula_of_one_euro() -> None:
    """Against the paper's algorithm, written out for one coordinate that moves along x."""
    chosen = SmoothingSettings(min_cutoff_hz=1.2, beta=2.5, speed_cutoff_hz=0.8)
    times = np.array([0.0, 0.04, 0.1, 0.12, 0.2])
    x = np.array([10.0, 14.0, 13.0, 20.0, 18.0])
    size = 50.0
    shown, speed = x[0], 0.0
    expected = [shown]
    for dt, now in zip(np.diff(times), x[1:], strict=True):
        share = lambda cutoff, dt=dt: 1 / (1 + 1 / (2 * np.pi * cutoff) / dt)  # noqa: E731
        speed += share(chosen.speed_cutoff_hz) * ((now - shown) / dt / size - speed)
        shown += share(chosen.min_cutoff_hz + chosen.beta * abs(speed)) * (now - shown)
        expected.append(shown)
    clip = [
        (float(t), Poses.create(np.full((1, 17, 2), v), boxes=[[0, 0, size, size]], track_ids=[1]))
        for t, v in zip(times, x, strict=True)
    ]
    for _, poses in clip:
        poses.keypoints[..., 1] = 5.0
    found = joints(smooth_all(clip, OneEuro(chosen)))
    np.testing.assert_allclose(found[:, 0, 0, 0], expected, rtol=1e-6)
    np.testing.assert_array_equal(found[..., 1], 5.0)


def test_fast_motion_lags_less_than_slow_cutoffs_would_have_it() -> None:
    clip = shaky(40, width=0.0, speed=300.0)
    true = joints([poses for _, poses in clip])[-1, :, :, 0]
    slow = joints(smooth_all(clip, OneEuro(SmoothingSettings(beta=0.0))))[-1, :, :, 0]
    fast = joints(smooth_all(clip, OneEuro(SmoothingSettings(beta=8.0))))[-1, :, :, 0]
    assert (true - fast < 0.4 * (true - slow)).all()


def test_people_long_gone_are_forgotten() -> None:
    smoother = OneEuro()
    for number in range(200):
        poses = figures([(100.0, 100.0)]).with_track_ids([number + 1])
        smoother.push(poses, number / 10)
    assert smoother._memory is not None
    assert len(smoother._memory.ids) <= 3


@pytest.mark.parametrize(
    ("poses", "pts_s", "message"),
    [
        pytest.param(figures(MIDDLES).with_track_ids([4, 4]), 0.0, "occurs twice", id="twice"),
        pytest.param(Poses.empty(), float("nan"), "finite time", id="time"),
    ],
)
@pytest.mark.parametrize("kind", SMOOTHERS)
def test_what_cannot_be_smoothed(kind: str, poses: Poses, pts_s: float, message: str) -> None:
    smoother = make_smoother(kind)
    assert smoother is not None
    with pytest.raises(InputError, match=message):
        smoother.push(poses, pts_s)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_cutoff_hz": 0}, "'min_cutoff_hz': expected a number above 0, got 0"),
        ({"beta": -1.0}, "'beta': expected a number of 0 or more"),
        ({"gap_s": float("inf")}, "'gap_s'"),
        ({"lag_s": True}, "'lag_s'"),
    ],
)
def test_settings_out_of_range(values: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SmoothingSettings(**values)


def test_off_is_no_smoother_and_other_names_are_errors() -> None:
    assert make_smoother("off") is None
    with pytest.raises(ConfigError, match="off, one-euro, fixed-lag, got kalman"):
        make_smoother("kalman")
