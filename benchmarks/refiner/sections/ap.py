"""COCO AP without and with the refiner, in ground-truth and in detected boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.accuracy.run import MIN_SCORE
from steadypose.benchmarks.refiner.arguments import WHOLE
from steadypose.benchmarks.refiner.average_precision import (
    Compared,
    Evaluation,
    coco_results,
)
from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.networks import Base
from steadypose.benchmarks.refiner.people import People, Rows
from steadypose.engines.detectors import load_detector
from steadypose.engines.runtimes import RuntimeOptions


@dataclass(frozen=True, kw_only=True, eq=False)
class _Boxes:
    """Boxes of the test pictures: name, rows, picture and likelihood ``(P,)`` of each."""

    name: str
    rows: Rows
    pictures: tuple[str, ...]
    likelihood: NDArray[np.float64]


def measure(context: Context) -> list[Figure]:
    """A figure for each base in each kind of boxes; none without COCO."""
    people = context.data.coco
    if people is None:
        return []
    known = _Boxes(
        name="ground-truth boxes",
        rows=people.rows,
        pictures=people.pictures,
        likelihood=np.ones(len(people)),
    )
    found = _detected(context, people)
    images = sorted({int(name) for name in people.pictures})
    pairs = [(known, base) for base in context.bench.bases]
    if len(found.rows):
        pairs += [(found, base) for base in context.crop_bases]
    return [_figure(context, base, boxes, images) for boxes, base in pairs]


def _detected(context: Context, people: People) -> _Boxes:
    """What the detector finds; none of the boxes' people is looked at."""
    settings = context.settings
    options = RuntimeOptions(device="cpu", threads=settings.threads)
    detector = load_detector(settings.detector, options, min_score=MIN_SCORE)
    firsts = {name: row for row, name in reversed(list(enumerate(people.pictures)))}
    paths, pictures, boxes, likelihood = [], [], [np.zeros((0, 4), np.float32)], [np.zeros(0)]
    for name, row in sorted(firsts.items(), key=lambda item: item[1]):
        path = people.rows.paths[row]
        (image,) = context.bench.images(Rows(paths=(path,), boxes=people.rows.boxes[:1]))
        seen = detector.detect(image)
        paths += [path] * len(seen)
        pictures += [name] * len(seen)
        boxes.append(seen.boxes)
        likelihood.append(seen.scores.astype(np.float64))
    rows = Rows(paths=tuple(paths), boxes=np.concatenate(boxes))
    return _Boxes(
        name=f"{Path(settings.detector).name} boxes",
        rows=rows,
        pictures=tuple(pictures),
        likelihood=np.concatenate(likelihood),
    )


def _figure(context: Context, base: Base, boxes: _Boxes, images: Sequence[int]) -> Figure:
    before = context.bench.estimate(base, boxes.rows)
    after = context.bench.refined(base, boxes.rows)
    ids = [int(name) for name in boxes.pictures]
    sides = [
        [Evaluation(context.truth, images, coco_results(ids, joints, boxes.likelihood * scores))]
        for joints, scores in (
            (before, context.base_scores(before)),
            (after, context.person_scores(after, before)),
            (after, context.base_scores(before)),
        )
    ]
    settings = context.settings
    compared = Compared(sides, settings.resamples, settings.seed)
    kept = compared.side(2)
    return Figure(
        section="ap",
        metric="AP",
        data=f"COCO, {boxes.name}",
        base=base.name,
        before=compared.side(0),
        after=compared.side(1),
        change=compared.difference(1, 0),
        n=len(boxes.rows),
        groups=len(images),
        target=_target(base.name, context.bench.refiner.variant),
        more={
            "score_rules": [context.base_rule, context.score_rule],
            "after_with_the_base's_score": kept.value,
        },
    )


def _target(base: str, variant: str) -> Target:
    """Points of AP to gain; of MultiPose where it sees whole pictures, as it was trained to."""
    wanted = {
        ("movenet-lightning", "accurate"): 8.0,
        ("movenet-lightning", "fast"): 4.0,
        ("movenet-thunder", "accurate"): 3.0,
        (f"movenet-multipose{WHOLE}", "accurate"): 8.0,
        (f"movenet-multipose{WHOLE}", "fast"): 8.0,
    }
    return Target("change", ">=", wanted.get((base, variant), 0.0), clear_of=0.0)
