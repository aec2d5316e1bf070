"""What ``steadypose doctor`` says of GPUs: driver, cards, TensorRT, pycuda or torch, engines."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from steadypose.errors import EngineError
from steadypose.stream.cli.findings import Finding

if TYPE_CHECKING:
    from steadypose.engines.tensorrt.device import Gpu

_EXTRA = "pip install 'steadypose[tensorrt]'"


def examine_gpu() -> Iterator[Finding]:
    """All findings; a machine without any NVIDIA part gets one line and no advice."""
    from steadypose.engines.runtimes.signs import nvidia_at_hand

    sign = nvidia_at_hand()
    if not sign:
        found = "no NVIDIA GPU; networks run on the processor"
        yield Finding(subject="GPU", found=found, state="note")
        return
    gpus: list[Gpu] = []
    yield from _driver(sign, gpus)
    yield from _tensorrt(gpus)
    yield from _memory(gpus)
    yield from _engines()


def _driver(sign: str, gpus: list[Gpu]) -> Iterator[Finding]:
    """The driver and each GPU, which is added to ``gpus``."""
    from steadypose.engines.tensorrt.device import find_driver

    try:
        driver = find_driver()
    except EngineError as error:
        found, _, remedy = str(error).partition("; ")
        remedy = remedy or "in a container, start it with access to the GPU"
        yield Finding(subject="GPU", found=f"{sign}, but {found}", state="note", remedy=remedy)
        return
    yield Finding(subject="driver", found=f"NVIDIA, for CUDA {driver.cuda[0]}.{driver.cuda[1]}")
    for gpu in driver.gpus:
        gpus.append(gpu)
        yield Finding(subject="GPU", found=f"{gpu}, {gpu.memory_bytes / 2**30:.1f} GiB")


def _tensorrt(gpus: list[Gpu]) -> Iterator[Finding]:
    from steadypose.engines.tensorrt.flavours import find_flavour, installed_flavour

    if installed_flavour() is None:
        yield Finding(subject="TensorRT", found="missing", state="note", remedy=_EXTRA)
        return
    try:
        flavour = find_flavour()
    except EngineError as error:
        found, _, remedy = str(error).rpartition("; ")
        yield Finding(subject="TensorRT", found=found, state="note", remedy=remedy)
        return
    typed = "strongly" if flavour.strong else "weakly"
    unknown = [str(gpu) for gpu in gpus if not flavour.runs_on(gpu.capability)]
    if unknown:
        found = f"{flavour} has no kernels for {', '.join(unknown)}"
        yield Finding(subject="TensorRT", found=found, state="note", remedy=_EXTRA)
    else:
        yield Finding(subject="TensorRT", found=f"{flavour}, {typed} typed networks")


def _memory(gpus: list[Gpu]) -> Iterator[Finding]:
    """Whether pycuda or torch can use the first GPU; without one, whether they are installed."""
    from steadypose.engines.tensorrt.memory import open_memory

    have = [f"{name} {_version(name)}" for name in ("pycuda", "torch") if find_spec(name)]
    if not have:
        yield Finding(subject="GPU memory", found="no pycuda", state="note", remedy=_EXTRA)
    elif not gpus:
        yield Finding(subject="GPU memory", found=f"{', '.join(have)}, not tried")
    else:
        try:
            yield Finding(subject="GPU memory", found=open_memory(gpus[0]).name)
        except EngineError as error:
            found, _, remedy = str(error).rpartition("; ")
            remedy = remedy if found else _EXTRA
            yield Finding(
                subject="GPU memory", found=found or str(error), state="note", remedy=remedy
            )


def _engines() -> Iterator[Finding]:
    from steadypose.engines.tensorrt.cache import EngineCache

    cache = EngineCache()
    kept = [manifest for _, manifest in cache.records()]
    if not kept:
        found = f"none in {cache.folder}"
        remedy = "built when first needed, or beforehand: steadypose engine build"
        yield Finding(subject="engines", found=found, state="note", remedy=remedy)
        return
    size = sum(manifest.size_bytes for manifest in kept)
    verified = sum(manifest.verified is not None and manifest.verified.ok for manifest in kept)
    yield Finding(
        subject="engines",
        found=f"{len(kept)} in {cache.folder}, {size / 1e6:.1f} MB, {verified} verified",
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
