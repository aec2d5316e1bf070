"""Time a person: the refiner against the base network that it is built like."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from steadypose.benchmarks.refiner.context import Context
from steadypose.benchmarks.refiner.figures import Figure, Target
from steadypose.benchmarks.refiner.networks import SIZE, Base
from steadypose.benchmarks.refiner.resampling import Interval
from steadypose.engines.crops import Crops
from steadypose.engines.refiner.data.records import JOINTS
from steadypose.engines.runtimes import Engine

_BATCH = 8
_WARM, _ROUNDS = 3, 30
_LIKE = {"fast": "movenet-lightning", "accurate": "movenet-thunder"}


def measure(context: Context) -> list[Figure]:
    """One figure: milliseconds of both and the quartiles of their ratio; none for unknown sizes."""
    refiner = context.bench.refiner
    name = _LIKE.get(refiner.variant)
    if name is None:
        return []
    base = Base(name, context.settings.threads)
    crops, pose = _crops(context.settings.seed)
    calls = (
        (base.engine, {"image": crops.images, "boxes": crops.box_sizes}),
        (refiner.engine, {"image": crops.images, "pose": pose, "prior": pose}),
    )
    seconds = np.array([[_timed(*call) for call in calls] for _ in range(_WARM + _ROUNDS)])
    each_ms = 1e3 * seconds[_WARM:] / _BATCH
    return [
        Figure(
            section="cost",
            metric=f"ms a person, batch {_BATCH}, {context.settings.threads} threads",
            data=f"{SIZE[0]}x{SIZE[1]} crops",
            base=name,
            before=quartiles(each_ms[:, 0]),
            after=quartiles(each_ms[:, 1]),
            change=quartiles(each_ms[:, 1] / each_ms[:, 0]),
            ratio=True,
            n=_ROUNDS,
            target=Target("change", "<=", 1.2),
            more={"intervals": "median and quartiles", "runtime": refiner.engine.runtime},
        )
    ]


def _crops(seed: int) -> tuple[Crops, np.ndarray[Any, np.dtype[np.float32]]]:
    """Noise and poses in its middle: no network's time depends on what is to be seen."""
    rng = np.random.default_rng(seed)
    height, width = SIZE
    images = rng.integers(0, 256, (_BATCH, height, width, 3), np.uint8)
    pose = rng.uniform(0.2, 0.8, (_BATCH, JOINTS, 3)) * (width, height, 1)
    sizes = np.tile(np.array([width, height], np.float32) / 1.15, (_BATCH, 1))
    crops = Crops(images, np.ones(_BATCH), np.zeros((_BATCH, 2)), sizes)
    return crops, pose.astype(np.float32)


def _timed(engine: Engine, feeds: Mapping[str, Any]) -> float:
    started = time.perf_counter()
    engine.infer(feeds)
    return time.perf_counter() - started


def quartiles(values: np.ndarray[Any, np.dtype[np.float64]]) -> Interval:
    """Median and quartiles."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return Interval(float(middle), float(low), float(high))
