"""People pasted into pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from steadypose.benchmarks.pasted import pasted_scene, slots

SIZE, HEIGHT = (480, 640), 100
CROPS = [np.full((300, width, 3), level, np.uint8) for width, level in ((100, 250), (290, 10))]
MOST = len(slots(SIZE, HEIGHT))


def regions(picture: np.ndarray, other: np.ndarray | None = None) -> list[tuple[slice, ...]]:
    """Where a picture differs from plain ground, or from another, as separate rectangles."""
    differs = (picture != (picture[0, 0] if other is None else other)).any(2)
    return list(ndimage.find_objects(ndimage.label(differs)[0]))


@given(count=st.integers(0, MOST), time_s=st.floats(0, 100))
def test_so_many_people_of_the_height_asked_for_and_apart(count: int, time_s: float) -> None:
    found = regions(pasted_scene(CROPS, count, SIZE, height=HEIGHT, time_s=time_s))
    assert len(found) == count
    assert all(rows.stop - rows.start == HEIGHT for rows, _ in found)


@given(count=st.integers(0, MOST - 1), time_s=st.floats(0, 100))
def test_one_more_changes_nobody_else(count: int, time_s: float) -> None:
    scenes = [
        pasted_scene(CROPS, n, SIZE, height=HEIGHT, time_s=time_s) for n in (count, count + 1)
    ]
    assert len(regions(scenes[1], scenes[0])) == 1


def test_people_sway_and_come_back() -> None:
    at = [
        regions(pasted_scene(CROPS, 1, SIZE, height=HEIGHT, time_s=t))[0] for t in (0, 0.625, 2.5)
    ]
    assert at[0] == at[2]
    assert at[0] != at[1]


def test_the_first_few_are_spread_over_the_picture() -> None:
    few = slots(SIZE, HEIGHT)[:4]
    assert np.ptp(few[:, 0]) > SIZE[1] / 3
    assert np.ptp(few[:, 1]) > SIZE[0] / 3


def test_wide_people_are_shrunk_and_nobody_is_cut_off() -> None:
    found = regions(pasted_scene(CROPS, MOST, SIZE, height=HEIGHT, time_s=0.625))
    widths = {columns.stop - columns.start for _, columns in found}
    assert widths == {33, 55}


@pytest.mark.parametrize(
    ("crops", "count", "message"),
    [(CROPS, MOST + 1, f"{MOST} people of 100 px fit"), ([], 1, "no crops")],
)
def test_what_does_not_fit(crops: list[np.ndarray], count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pasted_scene(crops, count, SIZE, height=HEIGHT)
