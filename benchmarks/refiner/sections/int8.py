"""What INT8 on the CPU costs in accuracy and gains in time.

Recipes are calibrated and chosen on people of the validation split, by how far joints move; the
chosen ones are measured on the test split. INT8 is worth keeping where it costs at most half a
point of AP.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.average_precision import Compared, Joints
from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.networks import PADDING, SIZE, Base, RefinerFile
from steadypose.benchmarks.refiner.people import People, Rows
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.benchmarks.refiner.sections.cost import quartiles
from steadypose.benchmarks.refiner.sections.pck import limb_sums
from steadypose.benchmarks.refiner.sections.prior import RIGHT, draw_priors
from steadypose.benchmarks.refiner.workbench import Workbench
from steadypose.engines.crops import cut
from steadypose.engines.refiner.int8 import Feeds, Part, Recipe
from steadypose.engines.refiner.int8_trials import Trials, Tried, least_moved
from steadypose.engines.runtimes import Engine
from steadypose.engines.runtimes.onnx_runtime import OnnxRuntimeEngine

_PEOPLE = 64
_BATCH = 8
_WARM, _ROUNDS = 2, 15
_COST = Target("change", ">=", -0.5)


def measure(context: Context) -> list[Figure]:
    """Distances of every recipe, and AP, PCK and time of the best of each kind.

    Raises:
        InputError: There are no validation people to calibrate with.
    """
    trials = Trials(context.bench.refiner.path, _batches(context), context.settings.threads)
    alone = trials.alone()
    kinds = [trials.every_range()]
    floating = trials.sensitive(alone)
    if floating and floating != trials.convolutions:
        kinds.append(trials.every_range(floating))
    figures = [_moved(f"only {name} in INT8", tried, trials) for name, tried in alone.items()]
    for tried in (*chain.from_iterable(kinds), *map(trials.run, _others(trials))):
        figures.append(_moved(str(tried.recipe), tried, trials))
    for kind in kinds:
        best = least_moved(kind)
        figures += _in_time(best, trials) + _in_ap(context, best) + _in_pck(context, best)
    return figures


def _others(trials: Trials) -> list[Recipe]:
    """What else is said to help, to be compared with all layers by MinMax."""
    found = [Recipe(joined=True), Recipe(signed=True), Recipe(narrow=True)]
    parts: tuple[Part, ...] = ("first", "depthwise", "last")
    for part in parts:
        layers = trials.quantiser.part(part)
        if layers and layers != trials.convolutions:
            found.append(Recipe(floating=layers, called=f"{part} layers"))
    return found


def _batches(context: Context) -> list[Feeds]:
    """Validation people in batches of the refiner's inputs.

    Their poses are those of the bases in turn; every second pair has a right prior.
    """
    bases, rng = context.crop_bases, np.random.default_rng([context.settings.seed, 8])
    parts: dict[str, list[NDArray[Any]]] = {"image": [], "pose": [], "prior": []}
    for whole in context.data.validation:
        people = whole.some(_PEOPLE, "int8")
        crops = cut(list(context.bench.images(people.rows)), people.rows.boxes, SIZE, PADDING)
        pose = _in_turn(context, bases, people)
        prior = draw_priors(rng, people, pose, RIGHT)
        prior[np.arange(len(people)) // 2 % 2 == 0] = 0
        parts["image"].append(crops.images)
        for name, joints in (("pose", pose), ("prior", prior)):
            places = np.where(joints[..., 2:] > 0, crops.from_frame(joints[..., :2]), 0)
            parts[name].append(np.concatenate([places, joints[..., 2:]], 2).astype(np.float32))
    inputs = {name: np.concatenate(values) for name, values in parts.items() if values}
    count = len(inputs["image"]) if inputs else 0
    order = rng.permutation(count)  # both halves see both data sets
    size = max(min(_BATCH, count // 2), 1)
    rows = [order[i : i + size] for i in range(0, count - size + 1, size)]
    return [{name: values[some] for name, values in inputs.items()} for some in rows]


def _in_turn(context: Context, bases: Sequence[Base], people: People) -> Joints:
    """``(P, 19, 3)``: each person as the next one of the bases sees them."""
    found = np.zeros((len(people), people.truth.shape[1], 3), np.float32)
    for turn, base in enumerate(bases):
        mine = np.arange(turn, len(people), len(bases))
        if len(mine):
            found[mine] = context.bench.estimate(base, people.take(mine).rows)
    return found


def _moved(name: str, tried: Tried, trials: Trials) -> Figure:
    median, high, highest = tried.moved_px
    return Figure(
        section="int8",
        metric=f"distance px of the crop to FP32, p90 [p50, p99], {name}",
        data="validation people",
        change=Interval(high, median, highest),
        n=trials.joints,
        more={"bytes": len(tried.graph), "convolutions_in_fp32": sorted(tried.recipe.floating)},
    )


def _refined(context: Context, tried: Tried, base: Base, rows: Rows) -> Joints:
    refiner, threads = context.bench.refiner, context.settings.threads
    engine = OnnxRuntimeEngine(refiner.path, threads, tried.graph)
    quantised = RefinerFile(str(refiner.path), threads, how=refiner.how, engine=engine)
    return Workbench(quantised, []).refine(rows, context.bench.estimate(base, rows))


def _in_ap(context: Context, tried: Tried) -> list[Figure]:
    """AP in ground-truth boxes, for each base and their mean; none without COCO."""
    people, bases = context.data.coco, context.bench.bases
    if people is None:
        return []
    sides = []
    for after in (False, True):
        for base in bases:
            pose, joints = context.pair(base, people)
            if after:
                joints = _refined(context, tried, base, people.rows)
            scores = context.person_scores(joints, pose)
            sides.append([context.evaluation(people.pictures, joints, scores)])
    compared = Compared(sides, context.settings.resamples, context.settings.seed)
    values, draws = (
        x.reshape(2, len(bases), *x.shape[1:]) for x in (compared.values, compared.draws)
    )
    rows = [(base.name, slice(i, i + 1)) for i, base in enumerate(bases)]
    return [
        Figure(
            section="int8",
            metric=f"AP, FP32 to INT8, {tried.recipe}",
            data="COCO, ground-truth boxes",
            base=name,
            before=Interval.of(values[0, some].mean(), draws[0, some].mean(0)),
            after=Interval.of(values[1, some].mean(), draws[1, some].mean(0)),
            change=Interval.of(
                (values[1] - values[0])[some].mean(), (draws[1] - draws[0])[some].mean(0)
            ),
            n=len(people),
            groups=len(sides[0][0]),
            target=_COST if name == "mean" else None,
        )
        for name, some in [("mean", slice(None)), *rows]
    ]


def _in_pck(context: Context, tried: Tried) -> list[Figure]:
    """PCK@0.2 of the limbs for each base; none without LSPet."""
    people = context.data.lspet
    if people is None:
        return []
    draws, found = context.resampler(people), []
    for base in context.crop_bases:
        old = limb_sums(context.pair(base, people)[1], people)
        new = limb_sums(_refined(context, tried, base, people.rows), people)
        found.append(
            Figure(
                section="int8",
                metric=f"PCK@0.2 %, all limbs, FP32 to INT8, {tried.recipe}",
                data=f"{people.data}, ground-truth boxes",
                base=base.name,
                before=draws.interval(old, 100),
                after=draws.interval(new, 100),
                change=draws.change(old, new, "difference", 100),
                n=int(new.bottom.sum()),
                groups=draws.groups,
            )
        )
    return found


def _in_time(tried: Tried, trials: Trials) -> list[Figure]:
    """Milliseconds a person on one thread and on two, FP32 and INT8 in turn.

    On a machine that others use too the ratios hold, and best those of the processor's time.
    """
    found = []
    for threads in (1, 2):
        engines = (trials.single(threads), trials.quantised(tried, threads))
        spent = [[_spent(e, trials.told[0]) for e in engines] for _ in range(_WARM + _ROUNDS)]
        batch = len(trials.told[0]["image"])
        each_ms = 1e3 * np.array(spent[_WARM:]) / batch
        for column, unit in enumerate(("ms", "processor ms")):
            old, new = each_ms[:, 0, column], each_ms[:, 1, column]
            found.append(
                Figure(
                    section="int8",
                    metric=f"{unit} a person, batch {batch}, {threads} threads, {tried.recipe}",
                    data="validation people",
                    before=quartiles(old),
                    after=quartiles(new),
                    change=quartiles(new / old),
                    ratio=True,
                    n=_ROUNDS,
                    more={"intervals": "median and quartiles"},
                )
            )
    return found


def _spent(engine: Engine, batch: Feeds) -> tuple[float, float]:
    """Seconds on the clock, and of all processors."""
    clock, processors = time.perf_counter(), time.process_time()
    engine.infer(batch)
    return time.perf_counter() - clock, time.process_time() - processors
