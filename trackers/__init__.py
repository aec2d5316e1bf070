"""Identity over time: motion, association, life cycle. numpy only: no video, no network."""

from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings
from steadypose.trackers.tracker import PoseTracker

__all__ = ["PoseTracker", "Predictions", "TrackerSettings"]
