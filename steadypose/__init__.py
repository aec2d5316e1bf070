"""Steadypose: finds, refines and tracks human poses in live and recorded video."""

from steadypose._version import __version__
from steadypose.errors import SteadyposeError
from steadypose.frame import Frame
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import SKELETONS, Skeleton, get_skeleton

__all__ = [
    "NO_TRACK",
    "SKELETONS",
    "Frame",
    "Poses",
    "Skeleton",
    "SteadyposeError",
    "__version__",
    "get_skeleton",
]
