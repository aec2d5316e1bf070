"""What people look like and how the camera moved, as the tracker uses them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.poses import Poses
from steadypose.trackers import PoseTracker, TrackerSettings
from steadypose.trackers.appearance import remembered, resemblance
from tests.trackers.figures import figures

STEP_S = 0.04
RED, BLUE = (1.0, 0.0, 0.2), (0.0, 1.0, 0.2)


def looks(*people: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(people, np.float32)


@pytest.mark.parametrize(
    ("one", "other", "cosine"),
    [
        ([1, 0, np.nan, np.nan], [2, 0, 5, 1], 1),
        ([1, 0, np.nan, np.nan], [0, 3, np.nan, 1], 0),
        ([1, 0, np.nan, np.nan], [np.nan, np.nan, 1, 1], np.nan),
        ([0, 0, 0, 0], [1, 1, 1, 1], np.nan),
    ],
    ids=["same", "unlike", "nothing-shared", "dark"],
)
def test_only_what_both_show_is_compared(
    one: list[float], other: list[float], cosine: float
) -> None:
    got = resemblance(np.array([one], float), np.array([other], float))
    assert got.tolist() == pytest.approx([cosine], nan_ok=True)


def test_a_memory_moves_slowly_and_fills_its_gaps() -> None:
    memory = remembered(np.array([[1.0, np.nan, 1.0]]), np.array([[0.0, 5.0, np.nan]]), 0.1)
    assert memory.tolist() == [[0.9, 5.0, 1.0]]


@pytest.mark.parametrize("told", [True, False], ids=["looks", "poses-alone"])
def test_two_who_meet_and_turn_back_are_told_apart_by_their_looks(told: bool) -> None:
    """Both are hidden while they turn round; by their motion they would have walked on."""
    tracker, now = PoseTracker(), 0.0

    def seen(way: float) -> list[int]:
        people, worn = figures([(300 - way, 200), (300 + way, 200)]), looks(RED, BLUE)
        return tracker.update(people, now, appearance=worn if told else None).track_ids.tolist()

    for way in range(150, 40, -4):
        first = seen(way)
        now += STEP_S
    now += 0.6
    for way in range(50, 100, 4):
        last = seen(way)
        now += STEP_S
    assert first == [1, 2]
    assert (last == [1, 2]) == told


def test_a_lost_person_is_not_reunited_with_a_stranger_in_other_clothes() -> None:
    for worn, ids in ((RED, [1]), (BLUE, [2])):
        tracker = PoseTracker()
        for i in range(30):
            tracker.update(figures([(100, 200)]), i * STEP_S, appearance=looks(RED))
        for i in range(5):
            people = figures([(190, 200)])
            got = tracker.update(people, 2.0 + i * STEP_S, appearance=looks(worn))
        assert got.track_ids.tolist() == ids


def test_a_lost_person_who_is_hidden_is_known_again_when_seen() -> None:
    tracker = PoseTracker()
    for i in range(30):
        tracker.update(figures([(100, 200)]), i * STEP_S, appearance=looks(RED))
    tracker.update(Poses.empty(), 1.5)
    hidden = tracker.update(figures([(120, 200)]), 2.0, appearance=looks((np.nan,) * 3))
    assert hidden.track_ids.tolist() == []
    seen = tracker.update(figures([(120, 200)]), 2.0 + STEP_S, appearance=looks(RED))
    assert seen.track_ids.tolist() == [1]


@pytest.mark.parametrize(("least", "ids"), [(0.0, [1]), (0.15, [])])
def test_the_longer_somebody_is_lost_the_better_a_pair_must_fit(
    least: float, ids: list[int]
) -> None:
    tracker = PoseTracker(TrackerSettings(lost_match_preference=least))
    for i in range(30):
        tracker.update(figures([(100, 200)]), i * STEP_S)
    tracker.update(Poses.empty(), 1.5)
    people = tracker.update(figures([(230, 200)]), 3.0)
    assert people.track_ids.tolist() == ids


def test_looks_may_begin_and_be_left_out() -> None:
    tracker = PoseTracker()
    for i, worn in enumerate((None, looks(RED), None, looks((np.nan,) * 3), looks(RED))):
        people = tracker.update(figures([(100, 200)]), i * STEP_S, appearance=worn)
        assert people.track_ids.tolist() == [1]
    assert tracker.predict(1.0).appearance[0].tolist() == pytest.approx(RED)


@pytest.mark.parametrize(
    ("worn", "said"),
    [
        (looks(RED, BLUE), r"appearance: expected shape \(1, D\), got \(2, 3\)"),
        (np.zeros(3), r"appearance: expected shape \(1, D\), got \(3,\)"),
        (np.zeros((1, 4)), "appearance: expected 3 values a person as before, got 4"),
    ],
    ids=["rows", "flat", "another-descriptor"],
)
def test_looks_that_do_not_fit_are_refused(worn: NDArray[np.float64], said: str) -> None:
    tracker = PoseTracker()
    tracker.update(figures([(100, 200)]), 0.0, appearance=looks(RED))
    with pytest.raises(InputError, match=said):
        tracker.update(figures([(100, 200)]), STEP_S, appearance=worn)
    with pytest.raises(InputError, match=said):
        tracker.match_preliminary(figures([(100, 200)]), STEP_S, appearance=worn)


def shaken(seed: int, *, told: bool) -> list[list[int]]:
    """Two people who stand still before a camera that jumps by up to their width each frame."""
    tracker, rng = PoseTracker(TrackerSettings(direction_weight=0)), np.random.default_rng(seed)
    place, ids = np.zeros(2), []
    for i in range(12):
        jump = rng.uniform(-80, 80, 2) if i else np.zeros(2)
        place = place + jump
        camera = np.array([[1, 0, jump[0]], [0, 1, jump[1]]]) if told else None
        people = figures([(300 + place[0], 300 + place[1]), (380 + place[0], 300 + place[1])])
        ids.append(tracker.update(people, i / 6, camera=camera).track_ids.tolist())
    return ids


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_a_camera_whose_motion_is_known_moves_nobody(seed: int) -> None:
    assert shaken(seed, told=True) == [[1, 2]] * 12


def test_a_camera_whose_motion_is_unknown_confuses() -> None:
    assert any(shaken(seed, told=False) != [[1, 2]] * 12 for seed in range(5))


@pytest.mark.parametrize("zoom", [1.0, 0.8, 1.3])
@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_predictions_go_along_with_the_camera(zoom: float, turn: float) -> None:
    tracker = PoseTracker()
    for i in range(20):
        tracker.update(figures([(100 + 4 * i, 200)]), i * STEP_S)
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    camera = np.concatenate([linear, [[30.0], [-20.0]]], 1)
    before, after = tracker.predict(0.8), tracker.predict(0.8, camera=camera)
    moved = before.keypoints @ linear.T + camera[:, 2]
    np.testing.assert_allclose(after.keypoints, moved)
    np.testing.assert_allclose(after.velocity, before.velocity @ linear.T)
    np.testing.assert_allclose(after.sizes, zoom * before.sizes)
    np.testing.assert_allclose(after.keypoint_var, zoom**2 * before.keypoint_var)


@pytest.mark.parametrize(
    "camera",
    [np.eye(2), np.full((2, 3), np.nan), [[-1, 0, 0], [0, 1, 0]], [[9, 0, 0], [0, 9, 0]]],
    ids=["shape", "nan", "mirrored", "zoom"],
)
def test_what_is_no_camera_motion_is_refused(camera: object) -> None:
    with pytest.raises(InputError, match="camera: expected a"):
        PoseTracker().update(Poses.empty(), 0.0, camera=camera)  # type: ignore[arg-type]
