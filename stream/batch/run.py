"""The course of a batch: who does what next, and what becomes of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from steadypose.errors import EngineError, OutputError
from steadypose.stream.batch.crew import (
    Crew,
    Finished,
    Lost,
    Message,
    Progressed,
    Ready,
    Unusable,
)
from steadypose.stream.batch.ledger import Journal
from steadypose.stream.batch.manifest import Manifest
from steadypose.stream.batch.places import Place
from steadypose.stream.batch.progress import BatchProgress
from steadypose.stream.batch.roster import Roster
from steadypose.stream.batch.videos import (
    DONE,
    FAILED,
    INTERRUPTED,
    SPLIT,
    Result,
    Task,
    Video,
)
from steadypose.stream.complaints import complain

_TICK_S = 0.5
_STOP_S = 10.0
_MAX_FALSE_STARTS = 3


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How failures are taken.

    Attributes:
        retries: How often a task whose worker was lost is tried again.
        fail_fast: End the batch at the first video that fails.
    """

    retries: int = 1
    fail_fast: bool = False


@dataclass(kw_only=True)
class _Split:
    """A video in so many parts: those that are not done, and the share of each that is."""

    parts: int
    left: set[int]
    shares: dict[int, float] = field(default_factory=dict)


class Batch:
    """Runs tasks on a crew until every video is done, has failed, or the batch is stopped.

    Args:
        crew: The workers.
        manifest: Takes the results.
        place: The tree of results.
        progress: Shows how far it is.
        policy: How failures are taken.
    """

    def __init__(
        self,
        crew: Crew,
        manifest: Manifest,
        place: Place,
        progress: BatchProgress,
        policy: Policy | None = None,
    ) -> None:
        self._crew, self._manifest, self._place = crew, manifest, place
        self._progress, self._policy = progress, policy or Policy()
        self._journal = Journal(place)
        self._queue: deque[Task] = deque()
        self._roster = Roster(crew.size, crew.share)
        self._splits: dict[str, _Split] = {}
        self._over: set[str] = set()
        self._false_starts = 0
        self._stopping = threading.Event()

    def run(self, videos: Sequence[Video]) -> None:
        """Do the videos; the manifest then holds what became of them.

        Raises:
            EngineError: No worker can work at all.
        """
        self._queue.extend(Task(video=video) for video in videos)
        self._save()
        try:
            while (self._queue or self._roster.running) and not self._stopping.is_set():
                self._hire()
                self._hand_out()
                for message in self._crew.wait(_TICK_S):
                    self._take(message)
            self._wind_up()
        finally:
            self._crew.close()
            self._save(ended=True)

    def stop(self) -> None:
        """End in order. Safe from any thread."""
        self._stopping.set()

    def _hire(self) -> None:
        """Start workers as long as there is more to do than there are hands."""
        for slot in self._roster.start(len(self._queue)):
            self._crew.start(slot)

    def _hand_out(self) -> None:
        while self._queue:
            task = self._queue[0]
            over = task.video.name in self._over
            slot = None if over else self._roster.place(task)
            if slot is not None:
                self._journal.note("begun", task.video, part=task.part, attempt=task.attempt)
                self._crew.give(slot, task)
            elif not over:
                return
            self._queue.popleft()

    def _take(self, message: Message) -> None:
        if isinstance(message, Ready):
            self._roster.ready(message.slot)
            self._false_starts = 0
        elif isinstance(message, Unusable):
            if self._roster.retire(message.slots):
                raise EngineError(message.reason)
            complain(f"warning: a worker is left out: {message.reason}", 0)
        elif isinstance(message, Progressed):
            self._advance(message)
        elif isinstance(message, Finished):
            self._settle(self._roster.end(message.slot), message.result)
        else:
            self._lose(message)

    def _lose(self, lost: Lost) -> None:
        """A worker is gone: its tasks are tried again, each alone where it had several.

        Which of them was to blame is not known then, so that it does not count as a try.
        """
        tasks, unborn = self._roster.lose(lost.slots)
        others = [task.video.name for task in self._roster.running.values()]
        if unborn and not tasks:
            self._false_starts += 1
            if self._false_starts >= _MAX_FALSE_STARTS:
                raise EngineError(f"no worker can be started: {lost.reason}")
        for task in reversed(tasks):
            self._place.sweep(task.video.name, others)
            self._journal.note("lost", task.video, reason=lost.reason)
            attempt = task.attempt + (len(tasks) == 1)
            if self._stopping.is_set():
                self._settle(task, Result(outcome=INTERRUPTED, reason="interrupted"))
            elif attempt <= self._policy.retries + 1:
                self._queue.appendleft(replace(task, attempt=attempt, alone=True))
            else:
                self._settle(task, Result(outcome=FAILED, reason=lost.reason))

    def _settle(self, task: Task, result: Result) -> None:
        """A task is over: what that means for its video."""
        video = task.video
        if video.name in self._over:
            return
        if result.outcome == SPLIT:
            numbers = range(len(result.spans))
            self._splits[video.name] = _Split(parts=len(numbers), left=set(numbers))
            whole = Task(video=video, spans=result.spans, sha256=result.sha256)
            self._queue.extendleft(replace(whole, part=number) for number in reversed(numbers))
        elif task.part is not None and result.outcome == DONE:
            split = self._splits[video.name]
            split.left.discard(task.part)
            split.shares[task.part] = 1.0
            if not split.left:
                self._queue.appendleft(replace(task, part=None, attempt=1))
        else:
            self._end(video, result)

    def _end(self, video: Video, result: Result) -> None:
        self._over.add(video.name)
        self._journal.note(result.outcome, video, reason=result.reason or None)
        self._progress.end(video, result)
        try:
            self._manifest.set(video, result)
        except OutputError as error:
            complain(f"warning: {error}", 0)
        if result.outcome == FAILED and self._policy.fail_fast:
            self.stop()

    def _advance(self, message: Progressed) -> None:
        task = self._roster.running.get(message.slot)
        if task is None or task.joins or task.video.name in self._over:
            return
        share = min(1.0, message.frames / message.of) if message.of else 0.0
        if task.part is not None:
            split = self._splits[task.video.name]
            split.shares[task.part] = share
            share = sum(split.shares.values()) / split.parts
        key = f"{task.video.name}/{task.part}"
        self._progress.frames(task.video, key, message.frames, share)

    def _wind_up(self) -> None:
        """After a stop, wait for the workers to end what they do."""
        running = self._roster.running
        if not running:
            return
        self._crew.stop()
        deadline = time.monotonic() + _STOP_S
        while running and time.monotonic() < deadline:
            for message in self._crew.wait(_TICK_S):
                if isinstance(message, (Finished, Lost)):
                    self._take(message)
        for task in list(running.values()):
            self._settle(task, Result(outcome=INTERRUPTED, reason="interrupted"))

    def _save(self, *, ended: bool = False) -> None:
        try:
            self._manifest.save(ended=ended)
        except OutputError as error:
            complain(f"warning: {error}", 0)
