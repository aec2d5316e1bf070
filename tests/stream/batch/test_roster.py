"""Who of a crew takes which task."""

from __future__ import annotations

import pytest

from steadypose.stream.batch.roster import Roster
from steadypose.stream.batch.videos import Task, Video


def task(name: str, *, alone: bool = False) -> Task:
    video = Video(source=name, shown=name, folder="", stem=name)
    return Task(video=video, alone=alone)


def roster(workers: int, share: int) -> Roster:
    made = Roster(workers * share, share)
    for slot in made.start(workers * share):
        made.ready(slot)
    return made


@pytest.mark.parametrize(
    ("share", "wanted", "started"),
    [(1, 2, [0, 1]), (1, 9, [0, 1, 2, 3, 4, 5]), (3, 2, [0, 3]), (3, 3, [0, 3, 1]), (2, 0, [])],
)
def test_workers_are_filled_evenly(share: int, wanted: int, started: list[int]) -> None:
    assert Roster(6, share).start(wanted) == started


def test_no_more_are_started_than_there_is_to_do() -> None:
    made = Roster(6, 2)
    assert made.start(2) == [0, 2]
    assert made.start(2) == []
    made.ready(0)
    assert made.start(3) == [4]
    assert made.place(task("a")) == 0
    assert made.start(2) == []
    assert made.start(3) == [1]


def test_the_emptiest_worker_is_given_the_next_task() -> None:
    made = roster(2, 2)
    assert [made.place(task(name)) for name in "abcde"] == [0, 2, 1, 3, None]
    made.end(2)
    assert made.place(task("e")) == 2


def test_nobody_is_put_beside_a_task_that_is_to_be_alone() -> None:
    made = roster(2, 2)
    assert made.place(task("a")) == 0
    assert made.place(task("b", alone=True)) == 2
    assert made.place(task("c", alone=True)) is None
    assert made.place(task("d")) == 1
    assert made.place(task("e")) is None
    assert made.end(2) == task("b", alone=True)
    assert made.place(task("c", alone=True)) == 2


def test_what_is_lost_can_be_started_anew() -> None:
    made = roster(2, 2)
    for name in "abc":
        made.place(task(name))
    assert made.lose((0, 1)) == ([task("a"), task("c")], False)
    assert made.start(5) == [0, 1]
    assert made.lose((0, 1)) == ([], True)


def test_without_anybody_who_could_it_is_over() -> None:
    made = Roster(4, 2)
    assert made.start(4) == [0, 2, 1, 3]
    made.ready(2)
    assert not made.retire((0, 1))
    assert made.start(9) == []
    assert made.retire((2, 3))
