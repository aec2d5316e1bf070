"""An engine for a network and a GPU: from the cache, or built and put there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from steadypose.engines import zoo
from steadypose.engines.runtimes.base import Shapes
from steadypose.engines.tensorrt.build import Built, build_engine
from steadypose.engines.tensorrt.build import Report as Progress
from steadypose.engines.tensorrt.cache import EngineCache, Report
from steadypose.engines.tensorrt.manifest import PORTABLE, EngineKey, Manifest
from steadypose.engines.tensorrt.spec import BuildSpec
from steadypose.errors import EngineError, ModelError

if TYPE_CHECKING:
    from steadypose.engines.tensorrt.device import Gpu
    from steadypose.engines.tensorrt.flavours import Flavour
    from steadypose.engines.tensorrt.memory import DeviceMemory

TIMINGS = ".timings"
"""End of the names of timing caches."""


def spec_of(shapes: Shapes, precision: str = "fp16") -> BuildSpec:
    """What to build for, from what a network will be fed: tuned for full batches."""
    return BuildSpec(
        batches=(1, shapes.max_batch, shapes.max_batch),
        sizes=shapes.sizes,
        half=precision == "fp16",
    )


def key_of(path: Path, spec: BuildSpec, flavour: Flavour, gpu: Gpu | None) -> EngineKey:
    """All that the engine of the network in ``path`` depends on.

    Args:
        path: The ``.onnx`` file.
        spec: What it is built for.
        flavour: What it is built with.
        gpu: What it is built on; None only for engines that are bound to no GPU.

    Raises:
        ModelError: The file cannot be read.
        EngineError: The engine would be bound to a GPU, and there is none.
    """
    try:
        sha256 = zoo.file_sha256(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    return EngineKey(
        onnx_sha256=sha256,
        flavour=flavour.name,
        version=flavour.version,
        capability=_capability(spec, flavour, gpu),
        precision=spec.precision,
        profile=spec.profile,
    )


def obtain_engine(
    path: Path,
    spec: BuildSpec,
    flavour: Flavour,
    gpu: Gpu | None,
    *,
    name: str | None = None,
    memory: DeviceMemory | None = None,
    cache: EngineCache | None = None,
    timings: bool = True,
    exact: bool = False,
    force: bool = False,
    report: Report | None = None,
    progress: Progress | None = None,
) -> tuple[Path, Manifest]:
    """An engine for the network in ``path``, built where the cache holds none that will do.

    Args:
        path: The ``.onnx`` file.
        spec: What to build for. Its ``timing_cache`` is set here.
        flavour: What to build with.
        gpu: What to build on; see ``key_of``.
        name: What to call the network; by default the file's name without suffix.
        memory: The GPU's; it is made the current one for the build.
        cache: By default the user's.
        timings: Keep measured times of kernels in the cache, so that the next build is quicker.
        exact: Take no engine that was built for more; see ``EngineCache.find``.
        force: Build even where there is an engine.
        report: Told in one line why an engine is built anew, and when another process is waited
            for.
        progress: Told how far the build is.

    Returns:
        The engine's file in the cache, and its manifest.

    Raises:
        ModelError: The network's file cannot be read.
        EngineError: The engine cannot be built, is not what it was to be, or did not agree with its
            network; others may write to the cache.
        OutputError: The cache cannot be written.
    """
    kept = cache or EngineCache()
    key = key_of(path, spec, flavour, gpu)

    def build() -> Built:
        with contextlib.ExitStack() as held:
            used = spec
            if timings and not flavour.rtx:
                used = replace(spec, timing_cache=held.enter_context(_timings(kept, key)))
            if memory is not None:
                held.enter_context(memory.active())
            return build_engine(path, used, flavour, report=progress)

    called = "".join(c if c.isprintable() else "?" for c in name or path.stem)
    return kept.get_or_build(
        key, called, build, report, source=path.absolute(), exact=exact, force=force
    )


@contextlib.contextmanager
def _timings(cache: EngineCache, key: EngineKey) -> Iterator[Path]:
    """The file of kernels' times, for one build at a time: two would also spoil the times."""
    stem = f"{key.flavour}-{key.version}-{key.capability}"
    with cache.locked(stem + TIMINGS, "timings"):
        yield cache.folder / (stem + TIMINGS)


def _capability(spec: BuildSpec, flavour: Flavour, gpu: Gpu | None) -> str:
    if flavour.rtx or spec.ampere_plus:
        return PORTABLE
    if gpu is None:
        raise EngineError(f"{flavour} builds for the GPU at hand, and there is none")
    return gpu.architecture
