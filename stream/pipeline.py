"""decode -> detect -> estimate -> refine -> track on threads, as a lazy iterator of results.

Decoding and, for files, detection run ahead on threads of their own. For live sources detection
waits until the frame before is done and then takes the newest one there is: a frame that was
detected early would grow old waiting for its poses. Estimation, refinement and tracking share
one: the boxes and priors of a frame come from the tracks after the frame before it, so that none
could ever start before the other is done, and handing each frame back and forth between threads
costs about as much as the tracker itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from steadypose.configs import Config
from steadypose.engines.detectors import Detections
from steadypose.errors import SourceError, StageError
from steadypose.frame import Frame
from steadypose.stream.channel import Channel, ChannelClosed, Policy
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.following import Follower
from steadypose.stream.records import FrameResult, Source
from steadypose.stream.sources import live_snapshot, open_source
from steadypose.stream.stages import STAGES, StageGroup
from steadypose.stream.steps import Taker, alone
from steadypose.stream.timing import StageTimes, Stopwatch

A = TypeVar("A")
B = TypeVar("B")

_DEPTH = 2
_DEPTH_AHEAD = 6
"""Frames of a file that may wait between detection and estimation: a detection takes as long as
the poses of several frames, and must be under way before they are done."""
_JOIN_S = 10.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Item:
    """What is known of a frame so far, between two stages.

    ``detections`` is None where the detector did not look.
    """

    frame: Frame
    watch: Stopwatch = field(default_factory=Stopwatch)
    detections: Detections | None = None


class Pipeline:
    """Tracks the people of any number of sources with one set of networks.

    Args:
        config: All settings.
        room: Networks that are loaded already; else they are loaded here.

    Raises:
        ConfigError, ModelError, EngineError: See ``EngineRoom.load``.
    """

    def __init__(self, config: Config | None = None, room: EngineRoom | None = None) -> None:
        self.config = config or (room.config if room else Config())
        self.room = room or EngineRoom.load(self.config)

    def run(self, source: Source | str | Path, take: Taker = alone) -> Run:
        """Start nothing yet: the threads start when the result is first iterated.

        Args:
            source: A source, or what ``open_source`` takes.
            take: Has the networks do their part; see ``SharedBatches`` for several runs at once.

        Raises:
            InputError: The source cannot be opened.
        """
        opened = open_source(source) if isinstance(source, (str, Path)) else source
        return Run(self.room, opened, take)


class Run:
    """One pass over one source; iterate it once, or use it as a context manager.

    Iterating yields a ``FrameResult`` a frame, in order. When the source fails, everything
    before the failure is yielded first, then its ``SourceError`` is raised. Leaving the loop
    early stops and joins all threads.

    Attributes:
        source: Where the frames come from.
        room: The networks and settings.
        times: Work of each stage so far.
    """

    def __init__(self, room: EngineRoom, source: Source, take: Taker = alone) -> None:
        self.source = source
        self.times = StageTimes()
        self.room = room
        self._take = take
        self._follower = Follower(room)
        self._group = StageGroup()
        policy = Policy.LATEST if source.info.live else Policy.BLOCK
        self._decoded: Channel[_Item] = Channel(_DEPTH, policy)
        self._detected: Channel[_Item] = Channel(_DEPTH_AHEAD)
        self._results: Channel[FrameResult] = Channel(1 if source.info.live else _DEPTH)
        self._started = False

    def __iter__(self) -> Iterator[FrameResult]:
        """Results until the source ends, fails, or ``stop`` is called."""
        self._start()
        try:
            for result in self._results:
                self.times.add(result.stage_s)
                yield result
            self._group.raise_first()
        finally:
            self.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def stop(self) -> None:
        """End now; a loop over the run ends without an error. Safe from any thread."""
        self.source.close()
        self._group.stop()

    def close(self) -> None:
        """Stop and join all threads.

        Raises:
            StageError: A thread did not end in time.
        """
        self.stop()
        if not self._group.join(_JOIN_S):
            late = TimeoutError(f"still at work {_JOIN_S:g} s after the stop")
            raise StageError("pipeline", late)

    @property
    def dropped(self) -> int:
        """Frames of a live source that a newer one replaced, or that were never decoded."""
        live = live_snapshot(self.source)
        before = 0 if live is None else live.dropped + live.skipped
        return self._decoded.stats().dropped + before

    def waits(self) -> dict[str, dict[str, float]]:
        """Seconds that each stage's thread has waited for input and for room for its output."""
        decoded, detected = self._decoded.stats(), self._detected.stats()
        live = self.source.info.live
        taken = decoded if live else detected
        followed = {"input_s": taken.get_wait_s, "output_s": self._results.stats().put_wait_s}
        looked = {"input_s": decoded.get_wait_s, "output_s": detected.put_wait_s}
        waits = {
            "decode": {"input_s": 0.0, "output_s": decoded.put_wait_s},
            "detect": followed if live else looked,
        }
        one_thread = STAGES[2:] if self.room.refiner else ("estimate", "track")
        return {**waits, **dict.fromkeys(one_thread, followed)}

    def _start(self) -> None:
        if self._started:
            raise RuntimeError("a run can be iterated once; make another with Pipeline.run")
        self._started = True
        for channel in (self._decoded, self._detected, self._results):
            self._group.channel(channel)
        self._group.start("decode", self._decode)
        if self.source.info.live:
            self._group.start("follow", _pump(self._follow_newest, self._decoded, self._results))
            return
        self._group.start("detect", _pump(self._detect, self._decoded, self._detected))
        self._group.start("follow", _pump(self._follow, self._detected, self._results))

    def _decode(self) -> None:
        frames = iter(self.source)
        while True:
            watch = Stopwatch()
            try:
                with watch.measure("decode"):
                    frame = next(frames)
            except StopIteration:
                self._decoded.close()
                return
            except SourceError as error:
                self._decoded.fail(error)
                return
            self._decoded.put(_Item(frame=frame, watch=watch))

    def _follow_newest(self, item: _Item) -> FrameResult:
        """Detect and follow on one thread: a frame that waits between the two would age."""
        return self._follow(self._detect(item))

    def _detect(self, item: _Item) -> _Item:
        detections = self._take(self.room, self._follower.detect(item.frame, item.watch))
        return replace(item, detections=detections)

    def _follow(self, item: _Item) -> FrameResult:
        work = self._follower.follow(item.frame, item.detections, item.watch)
        return self._take(self.room, work)


def _pump(work: Callable[[A], B], taken: Channel[A], given: Channel[B]) -> Callable[[], None]:
    """A thread's work: take, work, hand on; the end or failure of the source is handed on too."""

    def run() -> None:
        while True:
            try:
                item = taken.get()
            except ChannelClosed:
                given.close()
                return
            except SourceError as error:
                given.fail(error)
                return
            given.put(work(item))

    return run
