"""Steadypose: finds, refines and tracks human poses in live and recorded video."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from steadypose._version import __version__
from steadypose.errors import SteadyposeError
from steadypose.frame import Frame
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import SKELETONS, Skeleton, get_skeleton

if TYPE_CHECKING:
    from steadypose.configs import Config, load_config
    from steadypose.engines.refiner import PoseRefiner, load_refiner
    from steadypose.stream.pipeline import Pipeline
    from steadypose.stream.records import FrameResult
    from steadypose.stream.sources import open_source
    from steadypose.trackers import PoseTracker, TrackerSettings

__all__ = [
    "NO_TRACK",
    "SKELETONS",
    "Config",
    "Frame",
    "FrameResult",
    "Pipeline",
    "PoseRefiner",
    "PoseTracker",
    "Poses",
    "Skeleton",
    "SteadyposeError",
    "TrackerSettings",
    "__version__",
    "get_skeleton",
    "load_config",
    "load_refiner",
    "open_source",
]

# Handed on when first asked for, so that ``import steadypose`` loads none of the houses.
_LATER = {
    "Config": "steadypose.configs",
    "FrameResult": "steadypose.stream.records",
    "Pipeline": "steadypose.stream.pipeline",
    "PoseRefiner": "steadypose.engines.refiner",
    "PoseTracker": "steadypose.trackers",
    "TrackerSettings": "steadypose.trackers",
    "load_config": "steadypose.configs",
    "load_refiner": "steadypose.engines.refiner",
    "open_source": "steadypose.stream.sources",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'steadypose' has no attribute '{name}'")
    value = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
