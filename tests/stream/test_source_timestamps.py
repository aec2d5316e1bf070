"""Time stamps that grow, orientation, and what a file promises: the parts of a video source."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadypose.stream.sources.orientation import from_matrix
from steadypose.stream.sources.promise import Ending, Promise, declared_bytes, seconds_of
from steadypose.stream.sources.timestamps import Timestamps
from tests.media import write_clip

MILLISECOND = Fraction(1, 1000)


def stamps(given_pts: list[int | None]) -> tuple[list[int], Timestamps]:
    clock = Timestamps(MILLISECOND, 25.0)
    return [clock.stamp(p) for p in given_pts], clock


CASES = [
    pytest.param([0, 33, 40, 500], [0, 33, 40, 500], (0, 0, 0), id="growing"),
    pytest.param([-80, -40, 0], [-80, -40, 0], (0, 0, 0), id="before-zero"),
    pytest.param([None, None, None], [0, 40, 80], (3, 0, 0), id="none-at-all"),
    pytest.param([100, None, 180], [100, 140, 180], (1, 0, 0), id="one-missing"),
    pytest.param([0, 40, 40, 80], [0, 40, 41, 80], (0, 1, 0), id="one-twice"),
    pytest.param([0, 40, 20, 80], [0, 40, 41, 80], (0, 1, 0), id="a-small-step-back"),
    pytest.param([5000, 5040, 0, 40], [5000, 5040, 5080, 5120], (0, 0, 1), id="joined-recordings"),
]


@pytest.mark.parametrize(("pts", "expected", "counts"), CASES)
def test_stamps(pts: list[int | None], expected: list[int], counts: tuple[int, int, int]) -> None:
    shown, clock = stamps(pts)
    assert shown == expected
    assert (clock.missing, clock.repaired, clock.resets) == counts
    assert len(clock.lines("clip")) == sum(c > 0 for c in counts)


@given(st.lists(st.none() | st.integers(-(10**6), 10**6), max_size=60))
def test_stamps_always_grow(pts: list[int | None]) -> None:
    shown, _ = stamps(pts)
    assert all(a < b for a, b in itertools.pairwise(shown))


@given(st.lists(st.integers(-(10**6), 10**6), unique=True))
def test_growing_stamps_are_kept(pts: list[int]) -> None:
    ordered = sorted(pts)
    shown, clock = stamps(list(ordered))
    assert shown == ordered
    assert clock.lines("clip") == []


@given(
    st.sampled_from(
        [
            (1, 0, 0, 1),
            (0, 1, -1, 0),
            (-1, 0, 0, -1),
            (0, -1, 1, 0),
            (-1, 0, 0, 1),
            (1, 0, 0, -1),
            (0, 1, 1, 0),
            (0, -1, -1, 0),
        ]
    ),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_a_matrix_moves_every_pixel_where_it_says(
    matrix: tuple[int, int, int, int], width: int, height: int
) -> None:
    a, b, c, d = matrix
    image = np.arange(width * height * 3, dtype=np.uint8).reshape(height, width, 3)
    numbers = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 14], np.int32) << 16
    shown = from_matrix(numbers).apply(image)
    places = {
        (a * p + c * q, b * p + d * q): image[q, p] for p in range(width) for q in range(height)
    }
    left, top = min(x for x, _ in places), min(y for _, y in places)
    for (x, y), pixel in places.items():
        np.testing.assert_array_equal(shown[y - top, x - left], pixel)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("00:00:02.400000000", 2.4),
        ("01:02:03", 3723.0),
        ("", None),
        (None, None),
        ("two minutes", None),
    ],
)
def test_duration_tags(tag: str | None, expected: float | None) -> None:
    assert seconds_of(tag) == expected


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mov", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")],
)
def test_the_size_a_file_gives_itself(tmp_path: Path, name: str, codec: str) -> None:
    path = write_clip(tmp_path / name, codec=codec)
    assert declared_bytes(path) == path.stat().st_size


def test_sizes_that_are_not_known(tmp_path: Path) -> None:
    piped = write_clip(tmp_path / "a.avi", codec="mpeg4")
    data = bytearray(piped.read_bytes())
    data[4:8] = b"\0\0\0\0"
    piped.write_bytes(data)
    assert declared_bytes(piped) is None
    assert declared_bytes(write_clip(tmp_path / "a.ts")) is None
    live = write_clip(tmp_path / "b.mkv", muxer={"live": "1"})
    assert declared_bytes(live) is None


WHOLE = Promise(format="avi", file_bytes=100, declared_bytes=100, frames=50, end_s=2.0)
SHORT = Promise(format="avi", file_bytes=60, declared_bytes=100, frames=50, end_s=2.0)
FLV = Promise(format="flv", file_bytes=100, end_s=10.0)
ENDINGS = [
    pytest.param(WHOLE, False, False, 50, 2.0, Ending.WHOLE, id="whole"),
    pytest.param(WHOLE, True, False, 50, 2.0, Ending.TRUNCATED, id="the-demuxer-failed"),
    pytest.param(WHOLE, False, False, 20, 0.8, Ending.WHOLE, id="a-header-that-exaggerates"),
    pytest.param(WHOLE, False, True, 20, 0.8, Ending.TRUNCATED, id="damage-and-no-end"),
    pytest.param(WHOLE, False, True, 50, 1.9, Ending.WHOLE, id="damage-near-the-end"),
    pytest.param(SHORT, False, False, 30, 1.2, Ending.TRUNCATED, id="cut"),
    pytest.param(SHORT, False, False, 50, 2.0, Ending.SHORTENED, id="cut-behind-the-last"),
    pytest.param(FLV, False, False, 250, 9.6, Ending.WHOLE, id="flv"),
    pytest.param(FLV, False, False, 100, 4.0, Ending.TRUNCATED, id="flv-cut"),
]


@pytest.mark.parametrize(("promise", "cut", "damaged", "packets", "end_s", "expected"), ENDINGS)
def test_endings(
    promise: Promise, cut: bool, damaged: bool, packets: int, end_s: float, expected: Ending
) -> None:
    ending = promise.ending(cut=cut, damaged=damaged, packets=packets, end_s=end_s)
    assert ending is expected
