"""Time of a batch: on the host's clock from array to array, and on the device alone."""

from __future__ import annotations

import time
from collections.abc import Iterator

from steadypose.benchmarks.engines.contenders import Contender, Feeds, percentiles
from steadypose.benchmarks.engines.feeds import noise
from steadypose.benchmarks.engines.networks import Failure, Network, contenders
from steadypose.benchmarks.engines.outcomes import Outcome, Value
from steadypose.benchmarks.engines.settings import Settings
from steadypose.errors import EngineError

SECTION = "latency"
_UNFAITHFUL = "untrained weights; its time is the same"


def measure(networks: list[Network], settings: Settings) -> Iterator[Outcome]:
    """A record for each network, run time and batch."""
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
            for batch in settings.batches:
                feeds = noise(network.inputs, batch, settings.seed)
                yield _record(network.name, contender, batch, feeds, settings)


def _record(
    model: str, contender: Contender, batch: int, feeds: Feeds, settings: Settings
) -> Outcome:
    note = "" if contender.faithful else _UNFAITHFUL
    values: dict[str, Value] = {}
    try:
        values = _values(contender, feeds, settings)
    except EngineError as error:
        note = str(error)
    return Outcome(
        section=SECTION,
        model=model,
        runtime=contender.name,
        engine=contender.engine,
        precision=contender.precision,
        batch=batch,
        values=values,
        note=note,
    )


def _values(contender: Contender, feeds: Feeds, settings: Settings) -> dict[str, Value]:
    for _ in range(settings.warm):
        contender.infer(feeds)
    host = [timed(contender, feeds) for _ in range(settings.rounds)]
    device = contender.device_ms(feeds, settings.rounds)
    copies = contender.copies(feeds)
    p50, p99 = percentiles(host, 50, 99)
    device_p50, device_p99 = percentiles(device, 50, 99) if device else (None, None)
    return {
        "host_p50_ms": p50,
        "host_p99_ms": p99,
        "device_p50_ms": device_p50,
        "device_p99_ms": device_p99,
        "uploads": copies.up if copies else None,
        "downloads": copies.down if copies else None,
        "rounds": settings.rounds,
    }


def timed(contender: Contender, feeds: Feeds) -> float:
    """Milliseconds of one batch on the host's clock."""
    started = time.perf_counter()
    contender.infer(feeds)
    return 1e3 * (time.perf_counter() - started)
