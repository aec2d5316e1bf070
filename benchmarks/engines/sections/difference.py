"""How far the joints of a run time are from those of FP32 ONNX Runtime, on the same crops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.engines.contenders import Contender, percentiles
from steadypose.benchmarks.engines.feeds import People, find_people, pictures
from steadypose.benchmarks.engines.networks import Failure, Network, contenders
from steadypose.benchmarks.engines.outcomes import Outcome, Value
from steadypose.benchmarks.engines.settings import Settings
from steadypose.engines.runtimes import Engine
from steadypose.errors import EngineError

SECTION = "difference"
_PEOPLE, _PICTURES, _AT_ONCE = 64, 32, 8
_SURE = 0.2

Joints = NDArray[np.float32]


def measure(networks: list[Network], settings: Settings) -> Iterator[Outcome]:
    """A record for each network that finds joints and each run time that has its weights."""
    people = find_people(pictures(settings.images, _PICTURES), _PEOPLE, settings.threads)
    for network in networks:
        reference = network.on_processor("onnxruntime", settings.threads)
        if "keypoints" not in reference.outputs:
            continue
        expected = _joints(reference, network, people)
        for contender in contenders(network, settings.runtimes, settings):
            if isinstance(contender, Failure):
                yield Outcome(
                    section=SECTION,
                    model=network.name,
                    runtime=contender.name,
                    note=contender.reason,
                )
            elif contender.faithful:
                yield _record(network, contender, people, expected)


def _record(network: Network, contender: Contender, people: People, expected: Joints) -> Outcome:
    values: dict[str, Value] = {}
    note = "pixels of the crop"
    try:
        values = differences(_joints(contender, network, people), expected)
    except EngineError as error:
        note = str(error)
    return Outcome(
        section=SECTION,
        model=network.name,
        runtime=contender.name,
        engine=contender.engine,
        precision=contender.precision,
        batch=_AT_ONCE,
        values={**values, "people": len(people)},
        note=note,
    )


def _joints(engine: Engine | Contender, network: Network, people: People) -> Joints:
    found: list[Any] = []
    for first in range(0, len(people), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        found.append(engine.infer(people.feeds(network.inputs, part))["keypoints"])
    return np.concatenate(found).astype(np.float32)


def differences(found: Joints, expected: Joints) -> dict[str, Value]:
    """Distances of joints ``(N, K, 3)`` in pixels; ``sure`` are those the reference is sure of.

    Joints that are no numbers on either side have no distance and are counted as ``lost``.
    """
    away = np.linalg.norm(found[..., :2].astype(np.float64) - expected[..., :2], axis=-1)
    lost = ~np.isfinite(away)
    sure = (expected[..., 2] >= _SURE) & ~lost
    p50, p99, most = percentiles(away[~lost], 50, 99, 100) if (~lost).any() else (None,) * 3
    sure_p99 = percentiles(away[sure], 99)[0] if sure.any() else None
    scores = np.abs(found[..., 2].astype(np.float64) - expected[..., 2])
    return {
        "p50_px": p50,
        "p99_px": p99,
        "max_px": most,
        "sure_p99_px": sure_p99,
        "max_score": float(np.nanmax(scores)) if np.isfinite(scores).any() else None,
        "joints": int(away.size),
        "lost": int(lost.sum()),
    }
