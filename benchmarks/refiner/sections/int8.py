"""What INT8 on the CPU costs in accuracy and gains in time.

Recipes are calibrated and chosen on people of the validation split, by how far joints move; the
chosen ones are measured on the test split. INT8 is worth keeping where it costs at most half a
point of AP.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.refiner.average_precision import Compared, Joints
from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.int8 import Feeds, Method, Part, Quantiser, Recipe, Session
from steadypose.benchmarks.refiner.networks import PADDING, SIZE, Base, RefinerFile
from steadypose.benchmarks.refiner.people import People, Rows
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.benchmarks.refiner.sections.cost import quartiles
from steadypose.benchmarks.refiner.sections.pck import limb_sums
from steadypose.benchmarks.refiner.sections.prior import RIGHT, draw_priors
from steadypose.benchmarks.refiner.workbench import Workbench
from steadypose.engines.crops import cut
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.runtimes import Engine
from steadypose.errors import InputError

_PEOPLE = 64
_BATCH = 8
_SENSITIVE_PX = 1.0
"""A group of layers that alone moves the tenth joint by more stays in FP32."""
_WARM, _ROUNDS = 2, 15
_METHODS: tuple[Method, ...] = ("MinMax", "Entropy", "Percentile")
_COST = Target("change", ">=", -0.5)
_QUANTILES = (90, 50, 99)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tried:
    """A recipe, its network, and how far it moves joints of validation people."""

    recipe: Recipe
    graph: bytes
    moved: Interval


def measure(context: Context) -> list[Figure]:
    """Distances of every recipe, and AP, PCK and time of the best of each kind.

    Raises:
        InputError: There are no validation people to calibrate with.
    """
    trial = _Trial(context)
    alone = {name: trial.run(group) for name, group in trial.alone().items()}
    sensitive = {name for name, tried in alone.items() if tried.moved.value > _SENSITIVE_PX}
    kinds = [trial.of_kind(), trial.of_kind(trial.layers(sensitive))]
    figures = [_moved(f"only {name} in INT8", tried, trial) for name, tried in alone.items()]
    for tried in (*chain.from_iterable(kinds), *map(trial.run, trial.others())):
        figures.append(_moved(str(tried.recipe), tried, trial))
    for kind in filter(None, kinds):
        best = min(kind, key=lambda tried: tried.moved.value)
        figures += _in_time(best, trial) + _in_ap(context, best) + _in_pck(context, best)
    return figures


class _Trial:
    """Recipes on validation people, half of whom calibrate and half of whom tell."""

    def __init__(self, context: Context) -> None:
        engine = context.bench.refiner.engine
        batches = _batches(context)
        self.seen, self.told = batches[::2], batches[1::2]
        if not self.told:
            raise InputError("int8: needs people of the validation split to calibrate with")
        self._graph = float32_graph(context.bench.refiner.path)
        self._threads = context.settings.threads
        self.quantiser = Quantiser(self._graph)
        self._ranges = {m: self.quantiser.calibrate(m, self.seen) for m in _METHODS}
        self._like = engine
        self._single = _run(self.single(self._threads), self.told)

    def alone(self) -> dict[str, Recipe]:
        """For each group of layers the recipe that has only it in INT8."""
        groups = self.quantiser.groups()
        return {name: Recipe(floating=self.convolutions - some) for name, some in groups.items()}

    def layers(self, groups: set[str]) -> frozenset[str]:
        """All convolutions of some groups."""
        every = self.quantiser.groups()
        return frozenset(chain.from_iterable(every[group] for group in groups))

    def of_kind(self, floating: frozenset[str] | None = None) -> list[_Tried]:
        """Every way to choose the ranges, of all layers or with the sensitive ones in FP32."""
        if floating is None:
            return [self.run(Recipe(method=method)) for method in _METHODS]
        if not floating or floating == self.convolutions:
            return []
        return [
            self.run(Recipe(method=method, floating=floating, called="sensitive layers"))
            for method in _METHODS
        ]

    def others(self) -> list[Recipe]:
        """What else is said to help, to be compared with all layers by MinMax."""
        found = [Recipe(joined=True), Recipe(signed=True), Recipe(narrow=True)]
        parts: tuple[Part, ...] = ("first", "depthwise", "last")
        for part in parts:
            layers = self.quantiser.part(part)
            if layers and layers != self.convolutions:
                found.append(Recipe(floating=layers, called=f"{part} layers"))
        return found

    def run(self, recipe: Recipe) -> _Tried:
        """Quantise, and compare with FP32."""
        graph = self.quantiser.quantise(recipe, self._ranges[recipe.method])
        found = _run(Session(self._like, graph, self._threads), self.told)
        away = np.linalg.norm(found[..., :2] - self._single[..., :2].astype(np.float64), axis=2)
        value, low, high = np.percentile(away, _QUANTILES)
        moved = Interval(float(value), float(low), float(high))
        return _Tried(recipe=recipe, graph=graph, moved=moved)

    @property
    def convolutions(self) -> frozenset[str]:
        """Names of all."""
        return frozenset(self.quantiser.convolutions)

    @property
    def joints(self) -> int:
        """How many a distance is of."""
        return int(self._single[..., 0].size)

    def single(self, threads: int) -> Session:
        """FP32, run as INT8 is."""
        return Session(self._like, self._graph, threads)

    def quantised(self, tried: _Tried, threads: int) -> Session:
        """INT8."""
        return Session(self._like, tried.graph, threads)


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


def _run(engine: Engine, batches: Sequence[Feeds]) -> Joints:
    """Joints ``(N, 19, 3)`` in crop pixels."""
    return np.concatenate([engine.infer(batch)["keypoints"] for batch in batches])


def _moved(name: str, tried: _Tried, trial: _Trial) -> Figure:
    return Figure(
        section="int8",
        metric=f"distance px of the crop to FP32, p90 [p50, p99], {name}",
        data="validation people",
        change=tried.moved,
        n=trial.joints,
        more={"bytes": len(tried.graph), "convolutions_in_fp32": sorted(tried.recipe.floating)},
    )


def _refined(context: Context, tried: _Tried, base: Base, rows: Rows) -> Joints:
    refiner, threads = context.bench.refiner, context.settings.threads
    engine = Session(refiner.engine, tried.graph, threads)
    quantised = RefinerFile(str(refiner.path), threads, how=refiner.how, engine=engine)
    return Workbench(quantised, []).refine(rows, context.bench.estimate(base, rows))


def _in_ap(context: Context, tried: _Tried) -> list[Figure]:
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


def _in_pck(context: Context, tried: _Tried) -> list[Figure]:
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


def _in_time(tried: _Tried, trial: _Trial) -> list[Figure]:
    """Milliseconds a person on one thread and on two, FP32 and INT8 in turn.

    On a machine that others use too the ratios hold, and best those of the processor's time.
    """
    found = []
    for threads in (1, 2):
        engines = (trial.single(threads), trial.quantised(tried, threads))
        spent = [[_spent(e, trial.told[0]) for e in engines] for _ in range(_WARM + _ROUNDS)]
        batch = len(trial.told[0]["image"])
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
