"""Runs the sections asked for and reports what they find."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from steadypose.benchmarks import records, tables
from steadypose.benchmarks.engines.networks import Network, at_hand
from steadypose.benchmarks.engines.outcomes import Outcome
from steadypose.benchmarks.engines.sections import difference, latency, people, soak
from steadypose.benchmarks.engines.settings import Settings
from steadypose.benchmarks.records import Origin, Record
from steadypose.benchmarks.writing import write_whole
from steadypose.configs import check_device, check_precision
from steadypose.engines.runtimes.gpu import find_accelerator
from steadypose.errors import EngineError

_SECTIONS: dict[str, Callable[[list[Network], Settings], Iterator[Outcome]]] = {
    "latency": latency.measure,
    "difference": difference.measure,
    "people": people.measure,
    "soak": soak.measure,
}
_PACKAGES = ("numpy", "onnxruntime", "openvino", "opencv-python", "torch", "pycuda")


def run(options: argparse.Namespace) -> int:
    """Measure, print the tables, and write what was asked for; each record as soon as it is there.

    Exit code 1 where some run time could not take a network.
    """
    check_device("--device", options.device)
    check_precision("--precision", options.precision)
    networks = [Network.named(model) for model in options.models]
    runtimes = tuple(options.runtimes or at_hand(options.device))
    settings = Settings.of(options, runtimes)
    config, origin = about(networks, settings), _origin(options)
    found: list[Record] = []
    measured = True
    for name in options.sections:
        started = time.monotonic()
        for outcome in _SECTIONS[name](networks, settings):
            record = outcome.record(config)
            measured &= bool(outcome.values)
            found.append(record)
            records.append(options.json, [record], origin)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    text = tables.markdown([records.as_line(record, origin) for record in found])
    print(text, end="")
    if options.markdown:
        write_whole(options.markdown, text)
    return 0 if measured else 1


def about(networks: list[Network], settings: Settings) -> dict[str, Any]:
    """What a reader needs to know to do it again."""
    return {
        "models": {network.name: network.sha256 for network in networks},
        "gpu": _gpu(settings.device),
        "warm": settings.warm,
        "threads": settings.threads,
        "seed": settings.seed,
    }


def _gpu(device: str) -> str:
    """The GPU that the device means and the CUDA that its driver is for; ``none`` without one."""
    from steadypose.engines.tensorrt.device import find_driver, find_gpu

    if device != "cpu":
        with contextlib.suppress(EngineError):
            cuda = find_driver().cuda
            return f"{find_gpu(device)}, driver for CUDA {cuda[0]}.{cuda[1]}"
    return "none"


def _origin(options: argparse.Namespace) -> Origin:
    further = {}
    with contextlib.suppress(EngineError):
        accelerator = find_accelerator(options.device)
        if accelerator is not None:
            further[accelerator.flavour.name] = accelerator.flavour.version
    return Origin.of(options, _PACKAGES, **further)
