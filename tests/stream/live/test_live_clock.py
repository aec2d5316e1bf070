from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steadypose.stream.sources.backoff import Backoff
from steadypose.stream.sources.live_clock import LiveClock, Pacer

STAMPS = st.lists(
    st.tuples(st.none() | st.floats(-1e6, 1e6), st.floats(0, 30), st.booleans()), min_size=1
)


@given(STAMPS)
def test_stamps_only_ever_grow_whatever_comes(
    pictures: list[tuple[float | None, float, bool]],
) -> None:
    clock, now, last = LiveClock(), 100.0, -1
    for pts_s, step, new in pictures:
        now += step
        if new:
            clock.connect()
        stamp = clock.stamp(pts_s, now)
        assert stamp > last
        last = stamp


def test_the_rhythm_of_the_camera_counts_within_a_connection() -> None:
    clock = LiveClock()
    arrivals = [0.0, 0.09, 0.1, 0.11, 0.16]
    stamps = [clock.stamp(7.0 + n * 0.04, 50 + at) for n, at in enumerate(arrivals)]
    assert stamps == [0, 40_000, 80_000, 120_000, 160_000]


def test_a_new_connection_goes_on_after_the_time_that_passed() -> None:
    clock = LiveClock()
    clock.stamp(7.0, 50.0)
    clock.connect()
    assert clock.stamp(0.0, 62.5) == 12_500_000
    assert clock.stamp(0.04, 62.6) == 12_540_000


def test_a_camera_that_sets_its_clock() -> None:
    clock = LiveClock()
    clock.stamp(0.0, 0.0)
    assert clock.stamp(90_000.04, 0.05) == 50_000
    assert clock.stamp(90_000.08, 0.09) == 90_000
    assert clock.resets == 1


def test_a_burst_is_shown_at_its_pace() -> None:
    pacer, now, shown = Pacer(), 10.0, []
    for n in range(100):
        now += 0.001
        now += pacer.wait_s(n / 25, now)
        shown.append(now)
    steps = np.diff(shown).tolist()
    assert min(steps) > 0.038
    assert max(steps) < 0.041


def test_what_comes_late_is_shown_at_once() -> None:
    pacer = Pacer()
    pacer.wait_s(0.0, 0.0)
    assert pacer.wait_s(1.0, 3.0) == 0
    assert 0.9 < pacer.wait_s(2.0, 3.0) < 1.0
    assert pacer.wait_s(1e6, 3.0) == 0


def test_waits_double_up_to_a_limit_and_are_never_alike() -> None:
    backoff = Backoff(0.25, 2.0, random.Random(0))  # noqa: S311
    waits = [backoff.next_s() for _ in range(50)]
    for wait, most in zip(waits, [0.25, 0.5, 1, 2, 2], strict=False):
        assert most / 2 <= wait <= most
    assert len(set(waits)) > 40
    assert max(waits) <= 2
    backoff.reset()
    assert backoff.next_s() <= 0.25
