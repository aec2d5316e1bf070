"""One run over the first frames of a clip, with what it took and what it found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from steadypose.benchmarks.agreement import Boxes
from steadypose.poses import Poses
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.pipeline import Pipeline
from steadypose.stream.smoothing import smoothed
from steadypose.stream.sources import open_source


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One run over the frames.

    Attributes:
        people: Of each frame.
        wall_s: Seconds from the first decoded frame to the last result.
        cpu_s: Seconds of all processors.
        stage_ms: Mean milliseconds of work per frame of each stage.
        networks: Mean people per frame who went through the estimator, and through the refiner.
    """

    people: list[Poses]
    wall_s: float
    cpu_s: float
    stage_ms: dict[str, float]
    networks: tuple[float, float]


class _Counted:
    """An estimator or a refiner that counts the people who go through it."""

    def __init__(self, network: Any) -> None:
        self._network, self.people = network, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def estimate_many(self, images: Sequence[Any], boxes: Sequence[Any]) -> list[Poses]:
        """As the estimator does."""
        self.people += sum(map(len, boxes))
        found: list[Poses] = self._network.estimate_many(images, boxes)
        return found

    def refine_many(
        self, images: Sequence[Any], poses: Sequence[Poses], priors: Sequence[Any]
    ) -> list[Poses]:
        """As the refiner does."""
        self.people += sum(map(len, poses))
        found: list[Poses] = self._network.refine_many(images, poses, priors)
        return found


def one_pass(room: EngineRoom, clip: Path, frames: int) -> Pass:
    """Run the pipeline over the first frames of a clip, smoothed as its settings ask for."""
    estimator: Any = _Counted(room.estimator)
    refiner: Any = _Counted(room.refiner) if room.refiner else None
    room = replace(room, estimator=estimator, refiner=refiner)
    started, processors = time.perf_counter(), time.process_time()
    # The source ends there, so that nothing is done ahead of the frames that count.
    with Pipeline(room=room).run(open_source(clip, max_frames=frames)) as run:
        people = [result.poses for result in smoothed(run, room.smoother())]
        spent = time.perf_counter() - started, time.process_time() - processors
        stages = {n: round(1e3 * s.total / len(people), 2) for n, s in run.times.stages.items()}
    through = (estimator.people, refiner.people if refiner else 0)
    each = (round(through[0] / len(people), 2), round(through[1] / len(people), 2))
    return Pass(people=people, wall_s=spent[0], cpu_s=spent[1], stage_ms=stages, networks=each)


def boxes_of(people: Sequence[Poses]) -> dict[int, Boxes]:
    """Ids and boxes by number of the frame."""
    return {i: (poses.track_ids, poses.boxes) for i, poses in enumerate(people)}
