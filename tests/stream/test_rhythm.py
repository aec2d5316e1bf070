"""Who comes regularly is expected; who never came twice, or is long overdue, is not."""

from __future__ import annotations

import pytest

from steadypose.stream.rhythm import Rhythm


@pytest.mark.parametrize(
    ("beats", "now", "deadline", "expected"),
    [
        ((), 5.0, 99.0, False),
        ((5.0,), 5.5, 99.0, False),
        ((4.0, 5.0), 5.9, 6.0, True),
        ((4.0, 5.0), 5.9, 5.95, False),
        ((4.0, 5.0), 6.9, 7.0, True),
        ((4.0, 5.0), 7.1, 7.2, False),
        ((0.0, 1.0, 3.0), 4.15, 4.21, True),
        ((0.0, 1.0, 3.0), 4.15, 4.19, False),
    ],
    ids=["never", "once", "due", "later", "late", "overdue", "mean-due", "mean-later"],
)
def test_expected(beats: tuple[float, ...], now: float, deadline: float, expected: bool) -> None:
    rhythm = Rhythm()
    for beat in beats:
        rhythm.beat(beat)
    assert rhythm.expected(now, deadline) is expected
