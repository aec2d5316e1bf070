"""Whether memory grows over many batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from steadypose.benchmarks.engines.contenders import Array, Contender
from steadypose.benchmarks.engines.feeds import noise
from steadypose.benchmarks.engines.networks import Failure, Network, contenders
from steadypose.benchmarks.engines.outcomes import Outcome, Value
from steadypose.benchmarks.engines.settings import Settings
from steadypose.benchmarks.machine import resident_bytes
from steadypose.errors import EngineError

SECTION = "soak"
_SAMPLES = 50
_SETTLED = 0.2
"""Share of the batches after which memory must have stopped to grow."""


def measure(networks: list[Network], settings: Settings) -> Iterator[Outcome]:
    """A record for each network and run time; batches of all sizes in turn."""
    for network in networks:
        for contender in contenders(network, settings.runtimes, settings):
            if isinstance(contender, Failure):
                yield Outcome(
                    section=SECTION,
                    model=network.name,
                    runtime=contender.name,
                    note=contender.reason,
                )
                continue
            yield _record(network, contender, settings)


def _record(network: Network, contender: Contender, settings: Settings) -> Outcome:
    values: dict[str, Value] = {}
    note = ""
    try:
        values = _values(network, contender, settings)
    except EngineError as error:
        note = str(error)
    return Outcome(
        section=SECTION,
        model=network.name,
        runtime=contender.name,
        engine=contender.engine,
        precision=contender.precision,
        values=values,
        note=note,
    )


def _values(network: Network, contender: Contender, settings: Settings) -> dict[str, Value]:
    all_feeds = [noise(network.inputs, batch, settings.seed) for batch in settings.batches]
    first = None
    different = 0
    every = max(1, settings.soak_batches // _SAMPLES)
    host: list[int] = []
    device: list[int] = []
    for count in range(settings.soak_batches):
        found = contender.infer(all_feeds[count % len(all_feeds)])
        if count % len(all_feeds) == 0:
            first = found if first is None else first
            different += not _same(first, found)
        if count % every == 0:
            host.append(resident_bytes())
            used = contender.device_bytes()
            if used is not None:
                device.append(used)
    return {
        "batches": settings.soak_batches,
        "host_growth_mb": growth_mb(host),
        "device_growth_mb": growth_mb(device) if device else None,
        "different": different,
    }


def growth_mb(samples: list[int]) -> float:
    """10^6 bytes by which the last sample exceeds the largest of the first fifth."""
    settled = max(1, round(_SETTLED * len(samples)))
    return (samples[-1] - max(samples[:settled])) / 1e6


def _same(one: dict[str, Array], other: dict[str, Array]) -> bool:
    return all(np.array_equal(value, other[name], equal_nan=True) for name, value in one.items())
