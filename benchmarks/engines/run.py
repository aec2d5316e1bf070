"""Runs the sections asked for and reports what they find."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from steadypose._version import __version__
from steadypose.benchmarks.engines import records
from steadypose.benchmarks.engines.networks import Network, at_hand
from steadypose.benchmarks.engines.records import Record
from steadypose.benchmarks.engines.sections import difference, latency, people, soak
from steadypose.benchmarks.engines.settings import Settings
from steadypose.benchmarks.throughput import hardware
from steadypose.configs import check_device, check_precision
from steadypose.engines.runtimes.gpu import find_accelerator
from steadypose.errors import EngineError

_SECTIONS: dict[str, Callable[[list[Network], Settings], Iterator[Record]]] = {
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
    told = about(networks, settings)
    found: list[Record] = []
    for name in options.sections:
        started = time.monotonic()
        for record in _SECTIONS[name](networks, settings):
            found.append(record)
            if options.json:
                records.append_json(options.json, [record], told)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(records.markdown(found, told), end="")
    if options.markdown:
        records.write_markdown(options.markdown, found, told)
    return 0 if all(record.values for record in found) else 1


def about(networks: list[Network], settings: Settings) -> dict[str, Any]:
    """What a reader needs to know to do it again."""
    return {
        "models": {network.name: network.sha256 for network in networks},
        "hardware": hardware(),
        "gpu": _gpu(settings.device),
        "versions": _versions(settings.device),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
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


def _versions(device: str) -> dict[str, str]:
    found = {"steadypose": __version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    with contextlib.suppress(EngineError):
        accelerator = find_accelerator(device)
        if accelerator is not None:
            found[accelerator.flavour.name] = accelerator.flavour.version
    return found
