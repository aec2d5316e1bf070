"""A frame with several people through detector, estimator and refiner, as ``track`` runs them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from steadypose.benchmarks.engines.contenders import percentiles
from steadypose.benchmarks.engines.feeds import Image, pictures
from steadypose.benchmarks.engines.networks import Network
from steadypose.benchmarks.engines.outcomes import Outcome, Value
from steadypose.benchmarks.engines.settings import Settings
from steadypose.benchmarks.engines.torch_contenders import is_refiner
from steadypose.engines.crops import CropPolicy
from steadypose.engines.detectors import load_detector
from steadypose.engines.estimators import load_estimator
from steadypose.engines.refiner import load_refiner
from steadypose.engines.runtimes import RuntimeOptions
from steadypose.errors import SteadyposeError

SECTION = "people"
_STAGES = ("detect", "estimate", "refine")
_DETECTOR = "picodet-s"
_POLICY = CropPolicy(sizes=((256, 192),))


def measure(networks: list[Network], settings: Settings) -> Iterator[Outcome]:
    """A record for each pair of estimator and refiner and each run time that ``track`` knows.

    Everyone is seen in a crop of 256x192. Refiners and estimators are paired in their order.
    """
    refiners = [network for network in networks if is_refiner(network.path)]
    estimators = [n for n in networks if set(n.inputs) == {"image", "boxes"}]
    image = pictures(settings.images, 1)[0]
    boxes = _spread(image, settings.people)
    for estimator, refiner in zip(estimators, refiners, strict=False):
        for runtime in settings.runtimes:
            if not runtime.startswith("torch"):
                yield _record(estimator, refiner, runtime, image, boxes, settings)


def _record(
    estimator: Network,
    refiner: Network,
    runtime: str,
    image: Image,
    boxes: np.ndarray[Any, np.dtype[np.float32]],
    settings: Settings,
) -> Outcome:
    model = f"{_DETECTOR} + {estimator.name} + {refiner.name}"
    try:
        chain = _Chain(estimator.path, refiner.path, runtime, settings)
        values = chain.measure(image, boxes, settings)
    except SteadyposeError as error:
        return Outcome(section=SECTION, model=model, runtime=runtime, note=str(error))
    return Outcome(
        section=SECTION,
        model=model,
        runtime=runtime,
        engine=chain.engine,
        precision=settings.precision if runtime == "tensorrt" else "fp32",
        batch=settings.people,
        values=values,
        note=f"frame of {image.shape[1]}x{image.shape[0]}",
    )


class _Chain:
    """Detector, estimator and refiner in one run time."""

    def __init__(self, estimator: Path, refiner: Path, runtime: str, settings: Settings) -> None:
        gpu = runtime == "tensorrt"
        device = settings.device if settings.device.startswith("cuda") else "cuda"
        options = RuntimeOptions(
            device=device if gpu else "cpu",
            precision=settings.precision,
            runtime="onnxruntime" if gpu else runtime,
            threads=settings.threads,
        )
        most = max(8, settings.people)
        self._detector = load_detector(_DETECTOR, options)
        self._estimator = load_estimator(str(estimator), options, policy=_POLICY, max_batch=most)
        self._refiner = load_refiner(
            str(refiner), options, policy=_POLICY, max_batch=most, int8=False
        )
        self.engine = self._estimator.network.engine.runtime

    def measure(
        self, image: Image, boxes: np.ndarray[Any, np.dtype[np.float32]], settings: Settings
    ) -> dict[str, Value]:
        for _ in range(settings.warm):
            self._spend(image, boxes)
        spent = np.array([self._spend(image, boxes) for _ in range(settings.rounds)])
        values: dict[str, Value] = {}
        for name, column in zip(_STAGES, spent.T, strict=True):
            values[f"{name}_p50_ms"] = percentiles(column, 50)[0]
        values["all_p50_ms"], values["all_p99_ms"] = percentiles(spent.sum(1), 50, 99)
        return {**values, "rounds": settings.rounds}

    def _spend(
        self, image: Image, boxes: np.ndarray[Any, np.dtype[np.float32]]
    ) -> tuple[float, float, float]:
        """Milliseconds of each stage on the host's clock, for a frame that nobody has seen."""
        image = image.copy()
        image.flags.writeable = False  # as of ``Frame``: engines may know it again
        start = time.perf_counter()
        self._detector.detect(image)
        found = time.perf_counter()
        poses = self._estimator.estimate(image, boxes)
        estimated = time.perf_counter()
        self._refiner.refine(image, poses)
        done = time.perf_counter()
        return 1e3 * (found - start), 1e3 * (estimated - found), 1e3 * (done - estimated)


def _spread(image: Image, people: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """``(people, 4)`` boxes side by side: as many as asked for, whoever is in the picture."""
    height, width = image.shape[:2]
    left = np.linspace(0, width * 0.9, people)
    rows = [(x, height * 0.1, x + max(width * 0.1, 2), height * 0.9) for x in left]
    return np.array(rows, np.float32)
