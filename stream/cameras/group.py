"""Several cameras on one engine room: a decoding thread each, and one thread for the networks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from steadypose.stream.cameras.camera import Camera, CameraState, Shot
from steadypose.stream.cameras.intake import MOST, WAIT_S, Intake
from steadypose.stream.channel import ChannelClosed
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.following import Follower
from steadypose.stream.records import FrameResult, Source
from steadypose.stream.stages import StageGroup
from steadypose.stream.steps import together

OnResult = Callable[[str, FrameResult], None]
STOP_S = 1.5
"""How long a stop waits for the threads."""
_STUCK_S = 30.0


class CameraGroup:
    """Tracks people in several live sources at once, each with its own tracks.

    The newest frames of the cameras go through the networks together; see ``Intake`` for which
    of them. The poses of a camera are those that it would have alone, frame for frame, up to how
    the networks round in larger batches.

    Args:
        room: The networks and settings, shared by all.
        sources: By short name, what opens each source.
        on_result: Called on the networks' thread with every result, so it must not wait.
        wait_s, most: See ``Intake``.

    Raises:
        InputError: A source cannot be opened.
    """

    def __init__(
        self,
        room: EngineRoom,
        sources: Mapping[str, Callable[[], Source]],
        on_result: OnResult,
        *,
        wait_s: float = WAIT_S,
        most: int = MOST,
    ) -> None:
        self.room = room
        self._on_result = on_result
        self._intake: Intake[Shot] = Intake(list(sources), wait_s, most)
        self.cameras = {
            name: Camera(name, opener, self._intake) for name, opener in sources.items()
        }
        self._followers = {name: Follower(room) for name in sources}
        self._group = StageGroup()
        self._busy_since: float | None = None
        self._batches = self._frames = 0
        self._ended = threading.Event()

    def __enter__(self) -> CameraGroup:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the networks' thread and all cameras."""
        self._group.start("engine", self._work)
        for camera in self.cameras.values():
            camera.start()

    def stop(self) -> None:
        """End everything; returns at once. Safe from any thread."""
        self._intake.stop()
        self._ended.set()
        for camera in self.cameras.values():
            camera.stop()

    def close(self, timeout_s: float = STOP_S) -> list[str]:
        """Stop, and wait so long for the threads; the cameras whose decoder still hangs."""
        self.stop()
        deadline = time.monotonic() + timeout_s
        self._group.join(timeout_s)
        return [
            name
            for name, camera in self.cameras.items()
            if not camera.join(max(0.0, deadline - time.monotonic()))
        ]

    def wait(self) -> None:
        """Wait until ``stop`` is called or the networks' thread fails.

        Raises:
            SteadyposeError: Why it failed.
        """
        self._ended.wait()
        self._group.raise_first()

    @property
    def alive(self) -> bool:
        """Whether the networks' thread works and does not hang in one batch."""
        since = self._busy_since
        return not self._ended.is_set() and (since is None or time.monotonic() - since < _STUCK_S)

    @property
    def batches(self) -> tuple[int, int]:
        """Batches so far, and frames in them."""
        return self._batches, self._frames

    def states(self) -> list[CameraState]:
        """What every camera is doing, in the order given."""
        return [camera.state() for camera in self.cameras.values()]

    def fail(self, name: str, error: BaseException) -> None:
        """End everything, as a part that belongs to it has failed; ``wait`` raises why."""
        self._group.fail(name, error)
        self.stop()

    def _check(self) -> None:
        if self._ended.is_set():
            raise ChannelClosed

    def _work(self) -> None:
        try:
            while True:
                self._follow(self._intake.take())
        finally:
            self._ended.set()

    def _follow(self, batch: list[tuple[str, Shot]]) -> None:
        """Track one frame of each of several cameras."""
        self._busy_since = time.monotonic()
        shots = [(name, shot) for name, shot in batch if self.cameras[name].is_current(shot)]
        for _, shot in shots:
            shot.watch.seconds["wait"] = self._busy_since - shot.frame.captured_s
        works = [self._followers[name].whole(shot.frame, shot.watch) for name, shot in shots]
        for (name, shot), result in zip(
            shots, together(self.room, works, self._check), strict=True
        ):
            if self.cameras[name].is_current(shot):
                self.cameras[name].add(result)
                self._on_result(name, result)
        self._batches += 1
        self._frames += len(shots)
        self._busy_since = None
