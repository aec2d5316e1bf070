"""Ways to quantise a refiner, tried on real people: half of them calibrate, half tell the distance.

Layers differ in how much INT8 costs them. Those that alone move joints far stay in FP32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.int8 import METHODS, Feeds, Method, Quantiser, Recipe
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.runtimes import Engine
from steadypose.engines.runtimes.onnx_runtime import OnnxRuntimeEngine
from steadypose.errors import InputError

SENSITIVE_PX = 1.0
"""A group of layers that alone moves the tenth joint by more stays in FP32."""
_QUANTILES = (50, 90, 99)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tried:
    """A recipe and what it does.

    Attributes:
        recipe: How the network was quantised.
        graph: The network, serialised.
        moved_px: Distance of joints to those of FP32 in pixels of the crop: median, 90th and 99th
            percentile.
    """

    recipe: Recipe
    graph: bytes
    moved_px: tuple[float, float, float]


class Trials:
    """Tries recipes on a refiner.

    Args:
        path: The exported refiner, in FP32 or FP16.
        batches: Real inputs of it, each a batch of one crop size; every second one calibrates.
        threads: Of one call; 0 all.
        tell: Called after each calibration and each trial.

    Raises:
        InputError: Fewer than two batches.
        ModelError: It has no convolutions, or is no ONNX file.
    """

    def __init__(
        self,
        path: Path,
        batches: Sequence[Feeds],
        threads: int = 0,
        tell: Callable[[], object] = lambda: None,
    ) -> None:
        self.seen, self.told = batches[::2], batches[1::2]
        if not self.told:
            raise InputError("int8: needs people of the validation split to calibrate with")
        self._path, self._threads, self._graph = path, threads, float32_graph(path)
        self.quantiser = Quantiser(self._graph)
        self._tell = tell
        self._ranges = {m: self._calibrated(m) for m in METHODS}
        self._single = run_all(self.single(threads), self.told)

    @property
    def convolutions(self) -> frozenset[str]:
        """Names of all."""
        return frozenset(self.quantiser.convolutions)

    @property
    def joints(self) -> int:
        """How many a distance is of."""
        return int(self._single[..., 0].size)

    def single(self, threads: int) -> Engine:
        """FP32."""
        return OnnxRuntimeEngine(self._path, threads, self._graph)

    def quantised(self, tried: Tried, threads: int) -> Engine:
        """INT8."""
        return OnnxRuntimeEngine(self._path, threads, tried.graph)

    def run(self, recipe: Recipe) -> Tried:
        """Quantise, and compare with FP32."""
        graph = self.quantiser.quantise(recipe, self._ranges[recipe.method])
        found = run_all(OnnxRuntimeEngine(self._path, self._threads, graph), self.told)
        away = np.linalg.norm(found[..., :2] - self._single[..., :2].astype(np.float64), axis=2)
        self._tell()
        median, high, highest = np.percentile(away, _QUANTILES).tolist()
        return Tried(recipe=recipe, graph=graph, moved_px=(median, high, highest))

    def _calibrated(self, method: Method) -> Any:
        ranges = self.quantiser.calibrate(method, self.seen)
        self._tell()
        return ranges

    def alone(self) -> dict[str, Tried]:
        """For each group of layers the network that has only it in INT8."""
        groups = self.quantiser.groups()
        recipes = {name: Recipe(floating=self.convolutions - some) for name, some in groups.items()}
        return {name: self.run(recipe) for name, recipe in recipes.items()}

    def every_range(self, floating: frozenset[str] = frozenset()) -> list[Tried]:
        """Every way to choose the ranges, with the layers ``floating`` in FP32."""
        called = "sensitive layers"
        return [self.run(Recipe(method=m, floating=floating, called=called)) for m in METHODS]

    def sensitive(self, alone: dict[str, Tried]) -> frozenset[str]:
        """Layers of the groups that alone move joints far; see ``SENSITIVE_PX``."""
        groups = self.quantiser.groups()
        far = [name for name, tried in alone.items() if tried.moved_px[1] > SENSITIVE_PX]
        return frozenset(chain.from_iterable(groups[name] for name in far))


def least_moved(tried: Sequence[Tried]) -> Tried:
    """The one whose 90th percentile is the least."""
    return min(tried, key=lambda each: each.moved_px[1])


def run_all(engine: Engine, batches: Sequence[Feeds]) -> NDArray[np.float32]:
    """Joints ``(N, 19, 3)`` in crop pixels."""
    return np.concatenate([engine.infer(batch)["keypoints"] for batch in batches])
