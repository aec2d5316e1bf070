"""What ``--estimate new`` gains and costs against ``--estimate always``, on video.

``steadypose bench following CLIP... [--config fast balanced] [--json FILE]``, or ``python -m
steadypose.benchmarks.following``, loads the networks once and runs both ways in turn over the same
frames, with the refiner on (or ``--refiner off``). It prints

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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.benchmarks import records
from steadypose.benchmarks.agreement import compare, read_truth, switches
from steadypose.benchmarks.following.passes import Pass, boxes_of, one_pass
from steadypose.benchmarks.records import Origin, Record
from steadypose.configs import Config, load_config
from steadypose.errors import InputError
from steadypose.stream.engine_room import EngineRoom


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Both ways on a clip; pairs are of ``always`` and of ``new``.

    Attributes:
        clip, config: The file's name and the preset.
        settings: Values of ``estimator`` that differ from the preset's, and ``refiner`` if off.
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

    def record(self) -> Record:
        """As it is written."""
        return Record(
            what="following",
            case={"clip": self.clip, "preset": self.config, "settings": self.settings},
            values={
                "people": self.people,
                "frames/s": self.fps,
                "times as fast": _interval(self.gain),
                "processor, times as little": _interval(self.cpu_gain),
                "people estimated": [way[0] for way in self.networks],
                "people refined": [way[1] for way in self.networks],
                "people through networks, times as few": self.work_gain,
                "agreement": self.agreement,
                "of the people": self.shared,
                "always with itself": self.itself[0],
                "always with itself, of the people": self.itself[1],
                "switches": self.switches,
            },
            n=self.frames,
            config={"rounds": self.rounds, "switches against": self.against},
            more={"stage_ms": self.stage_ms},
        )


def run(options: argparse.Namespace) -> int:
    """Measure every clip with every preset, print a table, and append records if asked for."""
    if options.truth and len(options.clips) != 1:
        raise InputError("--truth: holds for one clip; give one")
    changes = {name: getattr(options, name) for name in ("hold", "hold_oks")}
    settings = {name: value for name, value in changes.items() if value is not None}
    origin = Origin.of(options)
    for preset in options.config:
        refiner = {"enabled": options.refiner == "on"}
        config = load_config(preset, {"refiner": refiner, "estimator": settings})
        room = EngineRoom.load(config)
        for clip in options.clips:
            shown = settings if room.refiner else {**settings, "refiner": "off"}
            found = _measure(clip, preset, shown, room, options)
            print(_line(found), flush=True)
            records.append(options.json, [found.record()], origin)
    return 0


def _measure(
    clip: Path, preset: str, settings: dict[str, Any], room: EngineRoom, options: argparse.Namespace
) -> Comparison:
    rounds = [
        [one_pass(_way(room, when), clip, options.frames) for when in ("always", "new")]
        for _ in range(options.rounds)
    ]
    always, new = rounds[0]
    agreement = compare(always.people, new.people)
    if options.truth:
        true, against = read_truth(options.truth), options.truth.name
    else:
        true = boxes_of(one_pass(_alone(room), clip, options.frames).people)
        against = "the estimator alone, every frame searched"
    return Comparison(
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
        itself=compare(always.people, one_pass(_later(room), clip, options.frames).people),
        switches=(switches(true, boxes_of(always.people)), switches(true, boxes_of(new.people))),
        against=against,
        stage_ms=(always.stage_ms, new.stage_ms),
        rounds=options.rounds,
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


def _interval(gain: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), gain, strict=True))


def _line(record: Comparison) -> str:
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
