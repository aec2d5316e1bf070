"""Several runs over files at once on one set of networks: their people share batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from steadypose.stream.channel import ChannelClosed
from steadypose.stream.rhythm import Rhythm
from steadypose.stream.steps import Look, Steps, Wish, answered, answers, first_kind

if TYPE_CHECKING:
    from steadypose.stream.engine_room import EngineRoom

T = TypeVar("T")

WAIT_S = 0.01
"""How long a round waits, from its first wish on, for wishes that should be about to come."""


@dataclass(kw_only=True)
class Filling:
    """How far a run had company.

    Attributes:
        rounds: Rounds of the pose networks that it had people in.
        shared: Those that others had people in too.
        people: Its own people in all rounds.
        all_people: Everybody in these rounds.
    """

    rounds: int = 0
    shared: int = 0
    people: int = 0
    all_people: int = 0


class Guest:
    """One run among those that share; see ``SharedBatches.guest``.

    Attributes:
        filling: Counts so far.
    """

    def __init__(self, ask: Callable[[Guest, Wish], Any]) -> None:
        self._ask = ask
        self.filling = Filling()
        self.rhythm = Rhythm()

    def take(self, room: EngineRoom, work: Steps[T]) -> T:  # noqa: ARG002
        """A ``Taker`` for ``Pipeline.run``; the networks are those of the ``SharedBatches``."""
        return answered(work, lambda wish: self._ask(self, wish))


@dataclass(frozen=True, eq=False)
class _Request:
    guest: Guest
    wish: Wish
    people: int
    since_s: float
    answer: Future[Any] = field(default_factory=Future)


class SharedBatches:
    """Answers the wishes of several runs, of one kind at a time, in rounds.

    A round is begun as soon as nobody else is expected within ``wait_s`` of its first wish, going
    by the rhythm of each run's wishes; what is asked meanwhile makes up the next one. Every wish is
    answered, in the order of its run, so that no frame is dropped and each run's results are those
    it would have alone, up to how the networks round in larger batches. Where a round fails, its
    wishes are answered one by one, so that only the run fails whose own wish does.

    The networks run on two threads that live as long as this, as buffers on a GPU go with a thread:
    one for the detector, whose frames are looked at one by one, and one for the poses.

    Args:
        room: The networks.
        wait_s: Bound of the wait in seconds.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        room: EngineRoom,
        wait_s: float = WAIT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._room, self._wait_s, self._clock = room, wait_s, clock
        self._changed = threading.Condition()
        self._requests: list[_Request] = []
        self._guests: list[Guest] = []
        self._closed = False
        self._looks = ThreadPoolExecutor(1, "steadypose-looks")
        self._poses = threading.Thread(target=self._work, name="steadypose-poses")
        self._poses.start()

    def __enter__(self) -> SharedBatches:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; whoever still asks, or waits, gets ``ChannelClosed``."""
        with self._changed:
            self._closed = True
            left, self._requests = self._requests, []
            self._changed.notify_all()
        for request in left:
            request.answer.set_exception(ChannelClosed())
        self._poses.join()
        self._looks.shutdown()

    @contextmanager
    def guest(self) -> Iterator[Guest]:
        """A run's place; others wait for the run only while it has one."""
        guest = Guest(self._ask)
        with self._changed:
            self._guests.append(guest)
        try:
            yield guest
        finally:
            with self._changed:
                self._guests.remove(guest)
                self._changed.notify_all()

    def _ask(self, guest: Guest, wish: Wish) -> Any:
        with self._changed:
            if self._closed:
                raise ChannelClosed
            if isinstance(wish, Look):
                answer = self._looks.submit(_answer, self._room, wish)
            elif wish.people:
                answer = self._hand_in(guest, wish, wish.people)
            else:
                return _answer(self._room, wish)  # which runs no network
        return answer.result()

    def _hand_in(self, guest: Guest, wish: Wish, people: int) -> Future[Any]:
        request = _Request(guest, wish, people, self._clock())
        guest.rhythm.beat(request.since_s)
        self._requests.append(request)
        self._changed.notify_all()
        return request.answer

    def _work(self) -> None:
        while batch := self._next_round():
            self._do(batch)

    def _do(self, batch: Sequence[_Request]) -> None:
        try:
            replies = answers(self._room, [request.wish for request in batch])
            pairs = list(zip(batch, replies, strict=True))
        except Exception as error:
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return
            for request in batch:
                self._do([request])
            return
        self._count(batch)
        for request, reply in pairs:
            request.answer.set_result(reply)

    def _next_round(self) -> list[_Request]:
        """Wishes to answer together; none when it is over."""
        with self._changed:
            while not self._closed:
                patience = self._patience()
                if patience == 0:
                    kind = first_kind(request.wish for request in self._requests)
                    batch = [r for r in self._requests if type(r.wish) is kind]
                    self._requests = [r for r in self._requests if type(r.wish) is not kind]
                    return batch
                self._changed.wait(patience)
            return []

    def _patience(self) -> float | None:
        """Seconds to wait before the next round; None without wishes."""
        if not self._requests:
            return None
        now, deadline = self._clock(), self._requests[0].since_s + self._wait_s
        here = {request.guest for request in self._requests}
        missing = (guest for guest in self._guests if guest not in here)
        if any(guest.rhythm.expected(now, deadline) for guest in missing):
            return max(0.0, deadline - now)
        return 0.0

    @staticmethod
    def _count(batch: Sequence[_Request]) -> None:
        everybody = sum(request.people for request in batch)
        for request in batch:
            filling = request.guest.filling
            filling.rounds += 1
            filling.shared += len(batch) > 1
            filling.people += request.people
            filling.all_people += everybody


def _answer(room: EngineRoom, wish: Wish) -> Any:
    return answers(room, [wish])[0]
