"""What ``--estimate new`` gains and costs against ``--estimate always``, on video.

``steadypose bench following CLIP... [--config fast balanced] [--json FILE]``, or ``python -m
steadypose.benchmarks.following``, loads the networks once and runs both ways in turn over the same
frames, with the refiner on. It prints

* frames/s of the whole pipeline and their ratio, the median over the rounds with the least and the
  largest; the ratio of the processor's time, which holds better on a machine that others use; and
  that of the people who went through estimator and refiner, which holds anywhere;
* agreement: the mean OKS of people whom both ways found (at an OKS of 0.5 or more), and the share
  of ``always``'s people who have such a counterpart; beside them the same of ``always`` and itself
  where the detector looks at one frame more, the most that can be asked of anyone;
* identity switches of each way against a third run, in which every frame is searched for people and
  the estimator works alone, as in CLEAR MOT (Bernardin and Stiefelhagen, 2008) at an IoU of 0.5. No
  truth, but the same for both. With ``--truth`` the boxes of a MOTChallenge file take its place.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.benchmarks.agreement import Boxes, compare, read_truth, switches
from steadypose.benchmarks.throughput import hardware
from steadypose.configs import Config, load_config
from steadypose.errors import InputError
from steadypose.poses import Poses
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.pipeline import Pipeline


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


@dataclass(frozen=True, kw_only=True)
class Record:
    """Both ways on a clip; pairs are of ``always`` and of ``new``.

    Attributes:
        clip, config: The file's name and the preset.
        settings: Values of ``estimator`` that differ from the preset's.
        frames: Frames tracked.
        people: Mean people per frame.
        fps: Frames/s, median over the rounds.
        gain: ``fps`` of new by that of always: median, least and largest of the rounds.
        cpu_gain: Processor seconds of always by those of new, likewise.
        networks: People per frame through the estimator and through the refiner.
        work_gain: Their sum in always by that in new.
        agreement: Mean OKS of people found by both.
        shared: Share of always's people whom new found too.
        itself: ``agreement`` and ``shared`` of always and always with ``detector.every`` one more.
        switches: Identity switches.
        against: What they are counted against.
        stage_ms: Mean milliseconds of work per frame of each stage.
        rounds: How often each way ran.
        hardware: Where it ran.
    """

    clip: str
    config: str
    settings: dict[str, Any]
    frames: int
    people: tuple[float, float]
    fps: tuple[float, float]
    gain: tuple[float, float, float]
    cpu_gain: tuple[float, float, float]
    networks: tuple[tuple[float, float], tuple[float, float]]
    work_gain: float
    agreement: float
    shared: float
    itself: tuple[float, float]
    switches: tuple[int, int]
    against: str
    stage_ms: tuple[dict[str, float], dict[str, float]]
    rounds: int
    hardware: str


def run(options: argparse.Namespace) -> int:
    """Measure every clip with every preset, print a table, and append records if asked for."""
    if options.truth and len(options.clips) != 1:
        raise InputError("--truth: holds for one clip; give one")
    changes = {name: getattr(options, name) for name in ("hold", "hold_oks")}
    settings = {name: value for name, value in changes.items() if value is not None}
    for preset in options.config:
        config = load_config(preset, {"refiner": {"enabled": True}, "estimator": settings})
        room = EngineRoom.load(config)
        for clip in options.clips:
            record = _measure(clip, preset, settings, room, options)
            print(_line(record), flush=True)
            if options.json:
                with options.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(record)) + "\n")
    return 0


def _measure(
    clip: Path, preset: str, settings: dict[str, Any], room: EngineRoom, options: argparse.Namespace
) -> Record:
    rounds = [
        [_pass(_way(room, when), clip, options.frames) for when in ("always", "new")]
        for _ in range(options.rounds)
    ]
    always, new = rounds[0]
    agreement = compare(always.people, new.people)
    if options.truth:
        true, against = read_truth(options.truth), options.truth.name
    else:
        true = _ids(_pass(_alone(room), clip, options.frames).people)
        against = "the estimator alone, every frame searched"
    return Record(
        clip=clip.name,
        config=preset,
        settings=settings,
        frames=len(always.people),
        people=(_mean_people(always), _mean_people(new)),
        fps=(_fps([a for a, _ in rounds]), _fps([b for _, b in rounds])),
        gain=_spread([a.wall_s / b.wall_s for a, b in rounds]),
        cpu_gain=_spread([a.cpu_s / b.cpu_s for a, b in rounds]),
        networks=(always.networks, new.networks),
        work_gain=round(sum(always.networks) / max(sum(new.networks), 1e-9), 3),
        agreement=agreement[0],
        shared=agreement[1],
        itself=compare(always.people, _pass(_later(room), clip, options.frames).people),
        switches=(switches(true, _ids(always.people)), switches(true, _ids(new.people))),
        against=against,
        stage_ms=(always.stage_ms, new.stage_ms),
        rounds=options.rounds,
        hardware=hardware(),
    )


def _way(room: EngineRoom, when: str) -> EngineRoom:
    config = room.config
    return replace(room, config=replace(config, estimator=replace(config.estimator, when=when)))


def _later(room: EngineRoom) -> EngineRoom:
    config = _way(room, "always").config
    detector = replace(config.detector, every=config.detector.every + 1)
    return replace(room, config=replace(config, detector=detector))


def _alone(room: EngineRoom) -> EngineRoom:
    config: Config = replace(
        room.config,
        detector=replace(room.config.detector, every=1),
        refiner=replace(room.config.refiner, enabled=False),
    )
    return replace(room, config=config, refiner=None)


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


def _pass(room: EngineRoom, clip: Path, frames: int) -> Pass:
    estimator: Any = _Counted(room.estimator)
    refiner: Any = _Counted(room.refiner) if room.refiner else None
    room = replace(room, estimator=estimator, refiner=refiner)
    started, processors = time.perf_counter(), time.process_time()
    with Pipeline(room=room).run(clip) as run:
        people = [result.poses for result in islice(run, frames)]
        spent = time.perf_counter() - started, time.process_time() - processors
        stages = {n: round(1e3 * s.total / len(people), 2) for n, s in run.times.stages.items()}
    through = (estimator.people, refiner.people if refiner else 0)
    # A run looks a few frames ahead: what its threads have begun beyond the last frame is little.
    each = (round(through[0] / len(people), 2), round(through[1] / len(people), 2))
    return Pass(people=people, wall_s=spent[0], cpu_s=spent[1], stage_ms=stages, networks=each)


def _fps(passes: Sequence[Pass]) -> float:
    return round(float(np.median([len(one.people) / one.wall_s for one in passes])), 2)


def _mean_people(one: Pass) -> float:
    return round(float(np.mean([len(people) for people in one.people])), 2)


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return (
        round(float(np.median(values)), 3),
        round(min(values), 3),
        round(max(values), 3),
    )


def _ids(people: Sequence[Poses]) -> dict[int, Boxes]:
    """Ids and boxes by number of the frame."""
    return {i: (poses.track_ids, poses.boxes) for i, poses in enumerate(people)}


def _line(record: Record) -> str:
    (fps, new_fps), (gain, low, high) = record.fps, record.gain
    cpu, cpu_low, cpu_high = record.cpu_gain
    before, after = record.switches
    itself, of_itself = record.itself
    return (
        f"{record.clip} {record.config}: {record.frames} frames, {record.people[0]:.1f} people; "
        f"{fps:.1f} -> {new_fps:.1f} frames/s, x {gain:.2f} [{low:.2f}, {high:.2f}]; "
        f"processor x {cpu:.2f} [{cpu_low:.2f}, {cpu_high:.2f}]; "
        f"people through networks x {record.work_gain:.2f}; agreement {record.agreement:.3f} "
        f"of {record.shared:.1%} (always and itself {itself:.3f} of {of_itself:.1%}); "
        f"switches {before} -> {after} against {record.against}; "
        f"ms a frame {record.stage_ms[0]} -> {record.stage_ms[1]}"
    )


if __name__ == "__main__":
    from steadypose.benchmarks.command import run_alone

    run_alone("following")
