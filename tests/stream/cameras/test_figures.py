from __future__ import annotations

import pytest

from steadypose.stream.cameras.figures import LATELY_S, Recent


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_only_what_is_of_lately_counts_and_is_kept() -> None:
    clock = Clock()
    recent = Recent(clock)
    assert recent.last() is recent.last_s() is None
    assert recent.milliseconds() == {}
    for n in range(4000):
        clock.now += 0.1
        recent.add(n / 1e3)
        assert len(recent._values) <= LATELY_S / 0.1 + 1
    assert recent.count == 4000
    assert recent.rate() == pytest.approx(10, abs=0.5)
    assert recent.last() == 3.999
    assert recent.milliseconds()["max"] == 3999.0
    assert recent.milliseconds()["p50"] == pytest.approx(3999 - 150, abs=2)


def test_the_newest_is_known_however_old() -> None:
    clock = Clock()
    recent = Recent(clock)
    recent.add(0.5)
    clock.now += 1000
    assert recent.last() == 0.5
    assert recent.last_s() == 1000
    assert recent.rate() == 0
    assert recent.milliseconds() == {}
    recent.add(0.25)
    assert recent.milliseconds() == {"p50": 250.0, "p95": 250.0, "p99": 250.0, "max": 250.0}


def test_a_very_fast_camera_has_bounds_too() -> None:
    clock = Clock()
    recent = Recent(clock)
    for _ in range(9000):
        clock.now += 1e-4
        recent.add(1.0)
    assert len(recent._values) == 8192
