"""Engines are compared with their networks before results depend on them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from steadypose.engines.tensorrt.cache import EngineCache, assert_agrees
from steadypose.engines.tensorrt.engine import TensorRtEngine
from steadypose.engines.tensorrt.manifest import Manifest, Verified
from steadypose.engines.tensorrt.samples import (
    Samples,
    clip_pictures,
    find_people,
    reference_engine,
)
from steadypose.engines.tensorrt.verify import summary, verify
from steadypose.errors import InputError, ModelError, OutputError

if TYPE_CHECKING:
    from steadypose.engines.runtimes.gpu import Accelerator

_LOG = logging.getLogger(__name__)
_PICTURES = 8
"""Enough for hundreds of joints, and done in seconds."""


def compare(
    plan: Path, manifest: Manifest, path: Path, on: Accelerator, samples: Samples
) -> Verified:
    """Run an engine and its network on the same people; see ``verify.verify``.

    Every size and the least and largest batch that the engine was built for are tried.

    Args:
        plan: The engine's file.
        manifest: The record beside it.
        path: The network's file.
        on: The GPU and what runs engines there.
        samples: What they look at.

    Raises:
        EngineError: The engine or its network cannot be run.
        ModelError: The network is of no known kind.
        InputError: It finds nothing that it is sure of.
    """
    engine = TensorRtEngine(plan, manifest, on.gpu, on.flavour, path=path, memory=on.memory)
    shapes = manifest.key.shapes
    try:
        return verify(
            engine,
            reference_engine(path),
            samples,
            sizes=tuple(dict.fromkeys(shapes.sides)),
            batches=tuple(dict.fromkeys((shapes.batches[0], shapes.batches[-1]))),
            gpu=str(on.gpu),
        )
    finally:
        engine.close()


def verify_once(plan: Path, manifest: Manifest, path: Path, on: Accelerator) -> None:
    """Compare an engine that nobody has compared, on the sample clip, and note how it did.

    Where that cannot be done, as without the clip, a line in the log says why.

    Args:
        plan: The engine's file.
        manifest: The record beside it.
        path: The network's file.
        on: The GPU and what runs engines there.

    Raises:
        EngineError: It cannot be run, or does not agree with its network.
    """
    if manifest.verified is not None:
        return
    try:
        verified = compare(plan, manifest, path, on, find_people(clip_pictures(_PICTURES)))
    except (InputError, ModelError) as error:
        _LOG.warning("%s: its engine is not compared with FP32: %s", manifest.name, error)
        return
    _LOG.info("%s: compared with FP32: %s", manifest.name, summary(verified))
    try:
        EngineCache().record_verified(plan, verified)
    except OutputError as error:  # it is compared again next time
        _LOG.warning("%s: %s", manifest.name, error)
    assert_agrees(manifest.with_verified(verified))
