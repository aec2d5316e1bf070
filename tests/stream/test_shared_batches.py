"""Several runs on one set of networks: each as if it were alone, their people in common rounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from steadypose.configs import Config, DetectorConfig, RefinerConfig
from steadypose.errors import EngineError, SourceError, StageError
from steadypose.stream.channel import ChannelClosed
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.records import FrameResult
from steadypose.stream.shared_batches import Filling, Guest, SharedBatches
from steadypose.stream.steps import Estimate, Steps, estimate
from tests.stream.stand_ins import SceneSource, scene, stand_in_room, walk

PICTURE = scene([(20, 20, 60, 100)])
ONE = np.array([[20, 20, 60, 100]], np.float32)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


class Gate:
    """The estimator of a room, which holds each round until it is let through."""

    def __init__(self, room: EngineRoom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rounds: list[int] = []
        self.open = threading.Semaphore(0)
        self._estimate = room.estimator.estimate_many
        monkeypatch.setattr(room.estimator, "estimate_many", self._gated)

    def _gated(self, images: Sequence[Any], boxes: Sequence[Any]) -> list[Any]:
        self.rounds.append(len(images))
        self.open.acquire()
        return self._estimate(images, boxes)


def ask(boxes: np.ndarray = ONE) -> Steps[int]:
    poses = yield from estimate(PICTURE, boxes)
    return len(poses)


def begun(pool: ThreadPoolExecutor, shared: SharedBatches, guest: Guest) -> Future[int]:
    """Ask for one person's pose, and wait until that is in line."""
    before, room = guest.rhythm.came_s, stand_in_room()
    answer = pool.submit(lambda: guest.take(room, ask()))
    wait_for(lambda: guest.rhythm.came_s != before)
    return answer


@pytest.mark.parametrize("refined", [False, True], ids=["estimated", "refined"])
def test_each_run_is_as_it_would_be_alone(pool: ThreadPoolExecutor, refined: bool) -> None:
    config = Config(detector=DetectorConfig(every=4), refiner=RefinerConfig(enabled=refined))
    scenes = [walk(20 + 5 * n, people=1 + n % 3, speed=1 + n / 3) for n in range(5)]
    alone = [list(Pipeline(room=stand_in_room(config)).run(SceneSource(s))) for s in scenes]
    room = stand_in_room(config)

    def run(number: int) -> tuple[list[FrameResult], Filling]:
        with shared.guest() as guest:
            together = Pipeline(room=room).run(SceneSource(scenes[number]), guest.take)
            return list(together), guest.filling

    with SharedBatches(room) as shared:
        found = list(pool.map(run, range(5)))
    for (results, filling), expected in zip(found, alone, strict=True):
        assert [r.frame.index for r in results] == [r.frame.index for r in expected]
        assert [r.detected for r in results] == [r.detected for r in expected]
        for one, other in zip(results, expected, strict=True):
            for name in ("keypoints", "scores", "boxes", "track_ids"):
                np.testing.assert_array_equal(getattr(one.poses, name), getattr(other.poses, name))
        assert filling.rounds >= len(expected)
        assert filling.people <= filling.all_people


def test_what_is_asked_during_a_round_makes_up_the_next(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = stand_in_room()
    gate = Gate(room, monkeypatch)
    with SharedBatches(room) as shared:
        guests = [pool.submit(shared.guest().__enter__).result() for _ in range(4)]
        answers = [begun(pool, shared, guests[0])]
        wait_for(lambda: gate.rounds == [1])
        answers += [begun(pool, shared, guest) for guest in guests[1:]]
        gate.open.release(2)
        assert [answer.result(60) for answer in answers] == [1, 1, 1, 1]
    assert gate.rounds == [1, 3]
    assert guests[0].filling == Filling(rounds=1, shared=0, people=1, all_people=1)
    assert guests[1].filling == Filling(rounds=1, shared=1, people=1, all_people=3)


def test_a_round_waits_for_who_is_just_about_to_come(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, now = stand_in_room(), [0.0]
    gate = Gate(room, monkeypatch)
    gate.open.release(99)
    with SharedBatches(room, clock=lambda: now[0]) as shared:
        with shared.guest() as first, shared.guest() as second:
            for now[0] in (1.0, 2.0):
                begun(pool, shared, second).result(60)
            now[0] = 2.995
            early = begun(pool, shared, first)
            time.sleep(0.05)
            assert not early.done()
            begun(pool, shared, second).result(60)
            early.result(60)
            assert gate.rounds == [1, 1, 2]
            now[0] = 3.5
            begun(pool, shared, first).result(60)
        assert gate.rounds == [1, 1, 2, 1]


def test_nobody_waits_for_a_run_that_is_over(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, now = stand_in_room(), [0.0]
    Gate(room, monkeypatch).open.release(99)
    with SharedBatches(room, clock=lambda: now[0]) as shared, shared.guest() as first:
        with shared.guest() as second:
            for now[0] in (1.0, 2.0):
                begun(pool, shared, second).result(60)
            now[0] = 2.995
            early = begun(pool, shared, first)
        assert early.result(60) == 1


def test_the_run_fails_whose_wish_does(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = stand_in_room()
    plain = room.estimator.estimate_many

    def picky(images: Sequence[Any], boxes: Sequence[Any]) -> list[Any]:
        if any(image.shape[1] > 1000 for image in images):
            raise MemoryError("too wide")
        return plain(images, boxes)

    monkeypatch.setattr(room.estimator, "estimate_many", picky)

    def wide() -> Steps[int]:
        return len((yield Estimate(np.zeros((8, 1001, 3), np.uint8), ONE)))

    with SharedBatches(room) as shared:

        def often(work: Callable[[], Steps[int]]) -> int:
            with shared.guest() as guest:
                return sum(guest.take(room, work()) for _ in range(30))

        good, bad = pool.submit(often, ask), pool.submit(often, wide)
        assert good.result(60) == 30
        with pytest.raises(MemoryError):
            bad.result(60)


def test_a_failure_of_one_source_or_network_spares_the_other_runs(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = stand_in_room(Config(detector=DetectorConfig(every=4)))
    look = room.detector.detect

    def detect(image: np.ndarray) -> Any:
        if image[0, 0, 0] == 50:
            raise EngineError("no such picture")
        return look(image)

    monkeypatch.setattr(room.detector, "detect", detect)
    sources = [
        SceneSource(walk(30)),
        SceneSource(walk(30), fails_after=7),
        SceneSource(walk(30), backdrop_of=lambda index: 50 if index == 4 else 0),
    ]

    def count(source: SceneSource) -> tuple[int, type[Exception] | None]:
        done = 0
        with shared.guest() as guest:
            try:
                for _ in Pipeline(room=room).run(source, guest.take):
                    done += 1
            except (SourceError, EngineError, StageError) as error:
                return done, type(error)
        return done, None

    with SharedBatches(room) as shared:
        whole, cut, refused = pool.map(count, sources)
    assert whole == (30, None)
    assert cut == (7, SourceError)
    assert refused[0] <= 4
    assert refused[1] is EngineError


def test_without_people_no_round_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    room = stand_in_room()
    with SharedBatches(room) as shared, shared.guest() as guest:
        assert guest.take(room, ask(np.zeros((0, 4), np.float32))) == 0
        assert guest.filling == Filling()


def test_the_end_sets_everybody_free(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = stand_in_room()
    gate = Gate(room, monkeypatch)
    shared = SharedBatches(room)
    with shared.guest() as first, shared.guest() as second:
        done = begun(pool, shared, first)
        wait_for(lambda: gate.rounds == [1])
        late = begun(pool, shared, second)
        closing = pool.submit(shared.close)
        with pytest.raises(ChannelClosed):
            late.result(60)
        gate.open.release()
        assert done.result(60) == 1
        closing.result(60)
        with pytest.raises(ChannelClosed):
            first.take(room, ask())
