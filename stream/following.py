"""What is known of one source's people, and the work on each of its frames."""

from __future__ import annotations

import time

from steadypose.engines.detectors import Detections
from steadypose.frame import Frame
from steadypose.poses import Poses
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.people import candidates
from steadypose.stream.posing import Poser, Sight, held_in
from steadypose.stream.records import FrameResult
from steadypose.stream.stages import stage
from steadypose.stream.steps import Steps, look
from steadypose.stream.timing import Stopwatch


class Follower:
    """Follows the people of one source: its detector's cadence, its poses, its tracks.

    The frames must be given in order. ``detect`` may run ahead of ``follow`` on another thread.

    Args:
        room: The networks and settings; may be shared with other sources.
    """

    def __init__(self, room: EngineRoom) -> None:
        self._room = room
        self._tracker = room.tracker()
        self._poser = Poser(room, self._tracker)
        self._passed = self._since_look = 0
        self._epoch = 0

    def whole(self, frame: Frame, watch: Stopwatch) -> Steps[FrameResult]:
        """All the work on a frame."""
        detections = yield from self.detect(frame, watch)
        return (yield from self.follow(frame, detections, watch))

    def detect(self, frame: Frame, watch: Stopwatch) -> Steps[Detections | None]:
        """The people of the frame where the cadence asks for a look, else None."""
        due = self._passed % self._room.config.detector.every == 0
        self._passed += 1
        return (yield from self._look(frame, watch)) if due else None

    def follow(
        self, frame: Frame, detections: Detections | None, watch: Stopwatch
    ) -> Steps[FrameResult]:
        """Estimate the people of a frame where the tracks expect them, and track them on.

        Args:
            frame: The next frame.
            detections: What ``detect`` gave for it.
            watch: Takes the time of each stage's work.
        """
        if frame.epoch != self._epoch:
            self._epoch = frame.epoch
            self._tracker.reset(frame.epoch)
            self._poser.forget()
        if detections is None and self._should_look():
            detections = yield from self._look(frame, watch)
        self._since_look = self._since_look + 1 if detections is None else 0
        with stage("estimate"):
            sight, poses = yield from self._estimate(frame, detections, watch)
        with stage("track"):
            people = self._track(sight, poses)
        return FrameResult(
            frame=frame,
            poses=people,
            detected=detections is not None,
            stage_s=watch.seconds,
            age_s=time.monotonic() - frame.captured_s,
        )

    def _should_look(self) -> bool:
        """Whether the tracker's wish for a detection is granted: not too soon after the last."""
        every = self._room.config.detector.every
        rested = self._since_look + 1 >= max(1, every // 2)
        return rested and self._tracker.needs_detection()

    def _look(self, frame: Frame, watch: Stopwatch) -> Steps[Detections]:
        with stage("detect"), watch.measure("detect"):
            return (yield from look(frame.image))

    def _estimate(
        self, frame: Frame, detections: Detections | None, watch: Stopwatch
    ) -> Steps[tuple[Sight, Poses]]:
        """Where people are looked for in the frame, and their poses."""
        looked = detections is not None
        with watch.measure("estimate"):
            predictions = self._tracker.predict(frame.pts_s)
            size = (frame.height, frame.width)
            where = candidates(detections, predictions, self._room.config.detector, size)
        sight = Sight(frame=frame, where=where, predictions=predictions, looked=looked, watch=watch)
        return sight, (yield from self._poser.poses(sight))

    def _track(self, sight: Sight, poses: Poses) -> Poses:
        with sight.watch.measure("track"):
            people = self._tracker.update(
                poses,
                sight.frame.pts_s,
                detected=sight.where.detected if sight.looked else False,
                held=held_in(poses),
            )
            self._poser.remember(people, sight)
        return people
