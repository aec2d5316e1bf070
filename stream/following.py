"""What is known of one source's people, and the work on each of its frames."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.detectors import Detections
from steadypose.frame import Frame
from steadypose.poses import Poses
from steadypose.stream.cues import Cues
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.people import candidates
from steadypose.stream.posing import Poser, Sight, held_in
from steadypose.stream.records import FrameResult
from steadypose.stream.stages import STAGES, stage
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
        self._cues = Cues(room.config.cues)
        self._next: int | None = None
        self._since_look = self._epoch = 0

    def whole(self, frame: Frame, watch: Stopwatch) -> Steps[FrameResult]:
        """All the work on a frame."""
        detections = yield from self.detect(frame, watch)
        return (yield from self.follow(frame, detections, watch))

    def detect(self, frame: Frame, watch: Stopwatch) -> Steps[Detections | None]:
        """The people of the frame where the cadence asks for a look, else None.

        It asks for one at the first frame, and then where a run from the frame with index 0 on
        would have one, so that a part of a video is looked at as the whole is.
        """
        number = frame.index if self._next is None else self._next
        due = self._next is None or number % self._room.config.detector.every == 0
        self._next = number + 1
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
        with stage("track"), watch.measure("track"):
            anew = self._begins_anew(frame)
            camera = self._cues.camera(frame)
        if detections is None and self._should_look(anew):
            detections = yield from self._look(frame, watch)
        self._since_look = self._since_look + 1 if detections is None else 0
        with stage("estimate"):
            sight = self._sight(frame, detections, camera, watch)
            poses, evidence = yield from self._poser.poses(sight)
        with stage("track"), watch.measure("track"):
            people = self._track(sight, poses, evidence)
        return FrameResult(
            frame=frame,
            poses=people,
            detected=detections is not None,
            stage_s=dict(sorted(watch.seconds.items(), key=_place)),
            age_s=time.monotonic() - frame.captured_s,
        )

    def _begins_anew(self, frame: Frame) -> bool:
        """Whether nothing before the frame counts: at a reconnect, and at a cut."""
        anew = self._cues.is_cut(frame) or frame.epoch != self._epoch
        if anew:
            self._epoch = frame.epoch
            self._tracker.reset()
            self._poser.forget()
            self._cues.forget()
        return anew

    def _should_look(self, anew: bool) -> bool:
        """Whether the tracker's wish for a detection is granted: at once in a new scene."""
        every = self._room.config.detector.every
        rested = anew or self._since_look + 1 >= max(1, every // 2)
        return rested and self._tracker.needs_detection()

    def _look(self, frame: Frame, watch: Stopwatch) -> Steps[Detections]:
        with stage("detect"), watch.measure("detect"):
            return (yield from look(frame.image))

    def _sight(
        self,
        frame: Frame,
        detections: Detections | None,
        camera: NDArray[np.float64] | None,
        watch: Stopwatch,
    ) -> Sight:
        """Where people are looked for in the frame."""
        looked = detections is not None
        with watch.measure("estimate"):
            predictions = self._tracker.predict(frame.pts_s, camera=camera)
            where = candidates(detections, predictions, self._room.config.detector, frame.size)
        return Sight(
            frame=frame,
            where=where,
            predictions=predictions,
            looked=looked,
            camera=camera,
            watch=watch,
        )

    def _track(self, sight: Sight, poses: Poses, evidence: NDArray[np.float32]) -> Poses:
        people = self._tracker.update(
            poses,
            sight.frame.pts_s,
            detected=sight.where.detected if sight.looked else False,
            held=held_in(poses),
            appearance=self._cues.looks(sight.frame, poses),
            evidence=evidence,
            camera=sight.camera,
            frame_size=sight.frame.size,
        )
        self._poser.remember(people, sight)
        self._cues.remember(sight.frame, poses.boxes)
        return people


def _place(time: tuple[str, float]) -> int:
    """Where a stage stands in the dataflow; what is none stands first."""
    return STAGES.index(time[0]) if time[0] in STAGES else -1
