"""The code in docs/own-poses.md runs, on arrays of the shapes that the libraries return."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steadypose import Poses, PoseTracker
from tests.trackers.figures import STANDING

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def blocks(root: Path) -> list[str]:
    text = (root / "docs" / "own-poses.md").read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_every_block_runs_and_prints_what_it_says(blocks: list[str]) -> None:
    assert len(blocks) >= 7
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block, {})  # noqa: S102  # our own document
        told = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
        assert printed.getvalue().splitlines() == told


def function(blocks: list[str], name: str) -> Any:
    (block,) = [block for block in blocks if f"def {name}(" in block]
    space: dict[str, Any] = {}
    exec(block, space)  # noqa: S102
    return space[name]


def people_at(number: int) -> Floats:
    """``(2, 17, 2)`` pixels of a 640 x 480 picture: two who walk past each other."""
    middles = np.array([(150.0 + 8 * number, 200.0), (500.0 - 8 * number, 280.0)])
    return np.asarray(middles[:, None] + STANDING * 180)


def rtmlib(points: Floats) -> tuple[Any, ...]:
    return points.astype(np.float32), np.full(points.shape[:2], 1.04, np.float32)


def ultralytics(points: Floats) -> tuple[Any, ...]:
    data = np.concatenate([points, np.full((*points.shape[:2], 1), 0.9)], 2).astype(np.float32)
    data[0, 9] = (0, 0, 0.3)
    boxes = np.concatenate([points.min(1) - 5, points.max(1) + 5], 1).astype(np.float32)
    return data, boxes, np.full(len(points), 0.85, np.float32)


def mediapipe(points: Floats) -> tuple[Any, ...]:
    rows = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
    landmarks = []
    for joints in points:
        person = [SimpleNamespace(x=0.0, y=0.0, visibility=0.1) for _ in range(33)]
        for row, (x, y) in zip(rows, joints, strict=True):
            person[row] = SimpleNamespace(x=x / 640, y=y / 480, visibility=0.95)
        landmarks.append(person)
    return landmarks, 640, 480


def supervision(points: Floats) -> tuple[Any, ...]:
    return points.astype(np.float32), None


CASES = {
    "from_rtmlib": rtmlib,
    "from_ultralytics": ultralytics,
    "from_mediapipe": mediapipe,
    "from_supervision": supervision,
}


@pytest.mark.parametrize("name", CASES)
def test_each_library_is_tracked(blocks: list[str], name: str) -> None:
    adapt, tracker = function(blocks, name), PoseTracker()
    seen = []
    for number in range(30):
        points = people_at(number)
        poses = adapt(*CASES[name](points))
        assert isinstance(poses, Poses)
        present = poses.present
        np.testing.assert_allclose(poses.keypoints[present], points[present], atol=1e-2)
        tracked = tracker.update(poses, number / 25)
        seen.append(tracked.track_ids.tolist())
    assert seen == [[1, 2]] * 30


@pytest.mark.parametrize("name", ["from_rtmlib", "from_mediapipe", "from_ultralytics"])
def test_nobody_is_no_error(blocks: list[str], name: str) -> None:
    empty = {
        "from_rtmlib": (np.empty((0, 17, 2)), np.empty((0, 17))),
        "from_mediapipe": ([], 640, 480),
        "from_ultralytics": (np.empty((0, 17, 3)), np.empty((0, 4)), np.empty(0)),
    }[name]
    assert len(function(blocks, name)(*empty)) == 0


def test_joints_that_ultralytics_leaves_out_are_missing(blocks: list[str]) -> None:
    poses = function(blocks, "from_ultralytics")(*ultralytics(people_at(0)))
    assert not poses.present[0, 9]
    assert np.isnan(poses.keypoints[0, 9]).all()
    assert poses.present.sum() == 33
