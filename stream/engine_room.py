"""The networks of a run, loaded once and shared by all its sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steadypose.configs import Config, build
from steadypose.engines.crops import CropPolicy
from steadypose.engines.detectors import Detector, load_detector
from steadypose.engines.estimators import Estimator, load_estimator
from steadypose.engines.runtimes import RuntimeOptions
from steadypose.trackers import TrackerSettings

if TYPE_CHECKING:
    from steadypose.trackers import PoseTracker


@dataclass(frozen=True, kw_only=True)
class EngineRoom:
    """Detector, estimator and the settings of the tracker that goes with them."""

    config: Config
    detector: Detector
    estimator: Estimator
    tracker_settings: TrackerSettings

    @classmethod
    def load(cls, config: Config) -> EngineRoom:
        """Load what a configuration names.

        Raises:
            ConfigError: A tracker setting, device or run time is unknown or out of range.
            ModelError: A model is not at hand.
            EngineError: A run time refuses a model.
        """
        settings = build(TrackerSettings, config.tracker, "tracker")
        options = RuntimeOptions(
            device=config.runtime.device,
            runtime=config.runtime.cpu,
            threads=config.runtime.threads,
        )
        detector = load_detector(
            config.detector.model,
            options,
            min_score=config.detector.keep_score,
            nms_iou=config.detector.nms_iou,
        )
        policy = CropPolicy(sizes=config.estimator.sizes, max_zoom=config.estimator.max_zoom)
        estimator = load_estimator(
            config.estimator.model,
            options,
            policy=policy,
            max_batch=config.estimator.max_batch,
        )
        estimator.warm_up()
        return cls(config=config, detector=detector, estimator=estimator, tracker_settings=settings)

    def tracker(self) -> PoseTracker:
        """A tracker without memory, for one source."""
        from steadypose.trackers import PoseTracker

        return PoseTracker(self.tracker_settings, self.estimator.skeleton)
