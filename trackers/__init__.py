"""Identity over time: motion, association, life cycle. numpy only: no video, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings
from steadypose.trackers.smoothing import SmoothingSettings, make_smoother

if TYPE_CHECKING:
    from steadypose.trackers.tracker import PoseTracker

__all__ = ["PoseTracker", "Predictions", "SmoothingSettings", "TrackerSettings", "make_smoother"]


def __getattr__(name: str) -> Any:
    # The tracker brings scipy along, a third of a second that --help need not wait for.
    if name != "PoseTracker":
        raise AttributeError(f"module 'steadypose.trackers' has no attribute '{name}'")
    from steadypose.trackers.tracker import PoseTracker

    return PoseTracker
