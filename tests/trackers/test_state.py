"""A tracker's state is kept, and another tracker goes on from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.poses import Poses
from steadypose.skeletons import POSETRACK17
from steadypose.trackers import PoseTracker
from tests.trackers.figures import figures

STEP_S = 0.04


def walked(frames: int) -> PoseTracker:
    tracker = PoseTracker()
    for i in range(frames):
        people = figures([(100 + 4 * i, 200), (600 - 4 * i, 210)])
        tracker.update(people, i * STEP_S, appearance=np.eye(2, 3))
    return tracker


@pytest.mark.parametrize("frames", [0, 1, 20])
def test_another_tracker_goes_on_byte_for_byte(frames: int, tmp_path: Path) -> None:
    one, other = walked(frames), PoseTracker()
    np.savez(tmp_path / "state.npz", **one.state())  # type: ignore[arg-type]
    with np.load(tmp_path / "state.npz") as kept:
        other.restore(kept)
    for i in range(frames, frames + 20):
        people = figures([(100 + 4 * i, 200), (600 - 4 * i, 210), (900, 200)])[: 2 + (i > 25)]
        mine, yours = (each.update(people, i * STEP_S) for each in (one, other))
        assert mine.track_ids.tolist() == yours.track_ids.tolist()
        assert one.needs_detection() == other.needs_detection()
    for name, value in one.state().items():
        assert value.tobytes() == other.state()[name].tobytes(), name


def test_ids_go_on_after_a_restart() -> None:
    tracker = PoseTracker()
    tracker.restore(walked(5).state())
    tracker.reset()
    assert tracker.update(figures([(100, 200)]), 0.0).track_ids.tolist() == [3]


def test_a_state_is_a_copy() -> None:
    tracker = walked(5)
    kept = tracker.state()
    kept["motion.position"][:] = 0
    assert tracker.predict(0.2).boxes.min() > 0


def changed(name: str, value: object) -> dict[str, NDArray[Any]]:
    return {**walked(3).state(), name: np.asarray(value)}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({}, "expected an array 'format', found none"),
        (changed("format", 99), "expected format 1, got 99"),
        (changed("skeleton", "posetrack17"), "expected skeleton coco17, got posetrack17"),
        (changed("tracks.hits", [1]), r"'tracks.hits': expected shape \(2,\), got \(1,\)"),
        (changed("motion.velocity", np.zeros((2, 3))), "'motion.velocity': expected shape"),
    ],
    ids=["empty", "format", "skeleton", "rows", "motion"],
)
def test_what_is_no_state_is_refused(state: dict[str, NDArray[Any]], said: str) -> None:
    tracker = walked(3)
    with pytest.raises(InputError, match=f"tracker state.*{said}"):
        tracker.restore(state)
    assert tracker.update(Poses.empty(), 0.12).track_ids.tolist() == []
    assert len(tracker.predict(0.12)) == 2


def test_another_skeleton_does_not_take_it() -> None:
    with pytest.raises(InputError, match="expected skeleton posetrack17"):
        PoseTracker(skeleton=POSETRACK17).restore(walked(3).state())
