from __future__ import annotations

import threading
from collections import Counter

import pytest

from steadypose.errors import InputError
from steadypose.stream.cameras.intake import Intake
from steadypose.stream.channel import ChannelClosed


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def intake(*names: str, wait_s: float = 0.0, most: int = 8) -> tuple[Intake[int], Clock]:
    clock = Clock()
    return Intake(list(names), wait_s, most, clock), clock


def test_the_newest_frame_wins_and_what_it_replaced_is_counted() -> None:
    box, _ = intake("a", "b")
    for n in range(5):
        box.put("a", n)
    assert box.take() == [("a", 4)]
    assert box.counts("a") == (5, 4)
    assert box.counts("b") == (0, 0)


def test_a_batch_holds_one_frame_of_each_camera() -> None:
    box, _ = intake("a", "b", "c")
    box.put("c", 1)
    box.put("a", 2)
    box.put("a", 3)
    assert box.take() == [("a", 3), ("c", 1)]


def test_a_fast_camera_gets_no_more_than_a_slow_one() -> None:
    box, _ = intake("slow", "fast", "other", most=1)
    served: Counter[str] = Counter()
    for n in range(60):
        for _ in range(4):
            box.put("fast", n)
        box.put("slow", n)
        box.put("other", n)
        served.update(name for name, _ in box.take())
    assert served == {"slow": 20, "fast": 20, "other": 20}


def test_who_was_left_out_of_a_full_batch_comes_first_in_the_next() -> None:
    box, _ = intake("a", "b", "c", most=2)
    for name in "abc":
        box.put(name, 0)
    assert [name for name, _ in box.take()] == ["a", "b"]
    for name in "ab":
        box.put(name, 1)
    assert [name for name, _ in box.take()] == ["c", "a"]


@pytest.mark.parametrize(
    ("since_b", "waits"),
    [
        (0.030, False),  # expected in 10 ms, later than the batch may wait
        (0.037, True),  # expected in 3 ms
        (0.060, True),  # half a period late
        (0.090, False),  # more than a period late: dead
    ],
)
def test_only_who_is_expected_in_time_is_waited_for(since_b: float, waits: bool) -> None:
    box, clock = intake("a", "b", wait_s=0.005)
    for _ in range(3):
        clock.now += 0.040
        box.put("b", 0)
    box.take()
    clock.now += since_b
    box.put("a", 1)
    assert box.patience() == (pytest.approx(0.005) if waits else 0.0)
    clock.now += 0.0051
    assert box.patience() == 0


def test_what_was_waited_for_comes_along() -> None:
    box: Intake[int] = Intake(["a", "b"], wait_s=1.0)
    for n in range(3):
        box.put("b", n)
    box._slots["b"].rhythm.period_s = 0.2
    box._slots["b"].item = None
    box.put("a", 7)
    threading.Timer(0.05, box.put, ["b", 8]).start()
    assert box.take() == [("a", 7), ("b", 8)]


def test_a_cleared_camera_is_neither_served_nor_waited_for() -> None:
    box, clock = intake("a", "b", wait_s=1.0)
    for _ in range(3):
        clock.now += 0.01
        box.put("b", 0)
    box.clear("b")
    box.put("a", 1)
    assert box.take() == [("a", 1)]
    assert box.counts("b") == (3, 3)


def test_a_stop_wakes_who_waits() -> None:
    box, _ = intake("a")
    threading.Timer(0.05, box.stop).start()
    with pytest.raises(ChannelClosed):
        box.take()
    with pytest.raises(ChannelClosed):
        box.put("a", 1)


@pytest.mark.parametrize(("wait_s", "most"), [(-0.1, 8), (2.0, 8), (0.1, 0)])
def test_settings_out_of_range_are_refused(wait_s: float, most: int) -> None:
    with pytest.raises(InputError, match="batches across cameras"):
        Intake(["a"], wait_s, most)
