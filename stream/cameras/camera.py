"""One live source: its decoding thread, its state, and what it has done."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from steadypose.errors import SteadyposeError
from steadypose.frame import Frame
from steadypose.stream.cameras.figures import Recent
from steadypose.stream.cameras.intake import Intake
from steadypose.stream.channel import ChannelClosed
from steadypose.stream.records import FrameResult, Source
from steadypose.stream.sources import LiveSnapshot, LiveState, live_snapshot
from steadypose.stream.timing import Distribution, Stopwatch

STALLED_S = 3.0
"""A source that says nothing of its own state counts as stalled after so long without a frame."""
STATES = (*(state.value for state in LiveState), "stopped")
"""Those of a live source, and one more for a camera that was stopped by hand."""


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame on its way to the networks.

    Attributes:
        frame: The picture; its epoch counts on over restarts of the camera.
        connection: How often the camera had been started.
        watch: Takes the time of the work on it.
    """

    frame: Frame
    connection: int
    watch: Stopwatch = field(default_factory=Stopwatch)


@dataclass(frozen=True, kw_only=True)
class CameraState:
    """What a camera is doing. Times of "lately" are those of ``figures``.

    Attributes:
        name: Short name, fit for an address.
        title: Text to show, free of credentials.
        state: One of ``STATES``; see ``LiveState``.
        wanted: False when it was stopped by hand.
        error: What went wrong last, or None.
        epoch: Counts its connections.
        reconnects: How often it came back by itself.
        decoded: Frames since the start.
        dropped: How many of them a newer frame replaced before the networks saw them, or were
            passed over undecoded because decoding had fallen behind.
        tracked: Frames with a result.
        decoded_fps, tracked_fps: Lately.
        people: In the newest result.
        age_ms: ``last``, and lately ``p50``, ``p95``, ``p99``, ``max``: from the decoded picture to
            its result.
        stage_ms: By stage, lately: the p50 of what a frame spent there; ``wait`` is the time until
            the networks took it. Together they make up its age.
        width, height: Of the newest picture in pixels; 0 before the first.
    """

    name: str
    title: str
    state: str
    wanted: bool
    error: str | None
    epoch: int
    reconnects: int
    decoded: int
    dropped: int
    tracked: int
    decoded_fps: float
    tracked_fps: float
    people: int
    age_ms: dict[str, float]
    stage_ms: dict[str, float]
    width: int
    height: int


class Camera:
    """Decodes a source on a thread of its own into the intake, where the newest frame wins.

    What is wrong with the source is kept as its state and harms no other camera. It can be
    stopped and started again; nothing that was learned about people carries over.

    Args:
        name: Short name, fit for an address.
        open_source: Makes the source; called once here and once for every further start.
        intake: Where the frames go.

    Raises:
        InputError: The source cannot be opened.
    """

    def __init__(self, name: str, open_source: Callable[[], Source], intake: Intake[Shot]) -> None:
        self.name = name
        self._open, self._intake = open_source, intake
        self._source = open_source()
        self._next: Source | None = self._source
        self.info = self._source.info
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection = 0
        self._epoch = -1
        self._outcome: str | None = "stopped"
        self._error: str | None = None
        self._past = (0, 0)
        self._people, self._size = 0, (0, 0)
        self.decoded, self.ages = Recent(), Recent()
        self.all_ages = Distribution()
        self._stages: dict[str, Recent] = defaultdict(Recent)

    def start(self) -> None:
        """Begin to decode; without effect while it does."""
        with self._lock:
            if self._outcome is None:
                return
            self._connection += 1
            self._outcome = self._error = None
            source, self._next = self._next, None
            # A thread that hangs in a decoder must not keep the process from ending.
            self._thread = threading.Thread(
                target=self._run,
                args=(self._connection, source),
                name=f"steadypose-decode-{self.name}",
                daemon=True,
            )
            self._thread.start()

    def stop(self) -> None:
        """End decoding; returns at once."""
        with self._lock:
            self._outcome = "stopped"
            self._connection += 1
            self._source.close()
            self._next = None
        self._intake.clear(self.name)

    def join(self, timeout_s: float) -> bool:
        """Wait for the decoding thread; True when it has ended."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def is_current(self, shot: Shot) -> bool:
        """Whether a frame is of the present connection, not from before a stop."""
        return shot.connection == self._connection

    def add(self, result: FrameResult) -> None:
        """Take note of a result."""
        self.ages.add(result.age_s)
        self.all_ages.add(result.age_s)
        for stage, seconds in result.stage_s.items():
            self._stages[stage].add(seconds)
        self._people = len(result.poses)
        self._size = (result.frame.width, result.frame.height)

    @property
    def wanted(self) -> bool:
        """Whether it was not stopped by hand."""
        return self._outcome != "stopped"

    @property
    def warnings(self) -> list[str]:
        """Lines about damage that the present source survived."""
        return list(self._source.warnings)

    def state(self) -> CameraState:
        """What it is doing now."""
        put, replaced = self._intake.counts(self.name)
        with self._lock:
            lost, reconnects = self._tally()
            live = live_snapshot(self._source)
        running = self._outcome is None
        age = self.ages.last()
        return CameraState(
            name=self.name,
            title=self.info.name,
            state=self._doing(live),
            wanted=self.wanted,
            error=self._error or (live.last_error or None if live and running else None),
            epoch=max(0, self._epoch),
            reconnects=reconnects,
            decoded=put + lost,
            dropped=replaced + lost,
            tracked=self.ages.count,
            decoded_fps=round(live.fps if live and running else self.decoded.rate(), 1),
            tracked_fps=round(self.ages.rate(), 1),
            people=self._people if running else 0,
            age_ms={} if age is None else {"last": round(age * 1e3, 1), **self.ages.milliseconds()},
            stage_ms={
                stage: recent.milliseconds().get("p50", 0.0)
                for stage, recent in list(self._stages.items())
            },
            width=self._size[0],
            height=self._size[1],
        )

    def _tally(self) -> tuple[int, int]:
        """Frames lost before they came here, and reconnects, over all sources so far."""
        lost, reconnects = self._past
        live = live_snapshot(self._source)
        if live is None:
            return lost, reconnects
        return lost + live.dropped + live.skipped, reconnects + live.reconnects

    def _doing(self, live: LiveSnapshot | None) -> str:
        if self._outcome is not None:
            return self._outcome
        if live is not None:
            return live.state.value
        quiet = self.decoded.last_s()
        if quiet is None:
            return "connecting"
        return "live" if quiet < STALLED_S else "stalled"

    def _run(self, connection: int, source: Source | None) -> None:
        outcome, error = "ended", None
        try:
            for shot in self._shots(source or self._reopened(connection), connection):
                self._intake.put(self.name, shot)
                self.decoded.add(0.0)
        except ChannelClosed:
            outcome = "stopped"
        except SteadyposeError as failure:
            outcome, error = "failed", str(failure)
        except Exception as failure:
            outcome, error = "failed", f"{type(failure).__name__}: {failure}"
        with self._lock:
            if self._connection == connection:
                self._outcome, self._error = outcome, error

    def _shots(self, source: Source, connection: int) -> Iterator[Shot]:
        base, frames = self._epoch + 1, iter(source)
        try:
            while self._connection == connection:
                frame = next(frames, None)
                if frame is None or self._connection != connection:
                    return
                self._epoch = base + frame.epoch
                if base:
                    frame = replace(frame, epoch=self._epoch)
                yield Shot(frame, connection)
        finally:
            source.close()

    def _reopened(self, connection: int) -> Source:
        source = self._open()
        with self._lock:
            if self._connection == connection:
                self._past, self._source = self._tally(), source
            else:
                source.close()
        return source
