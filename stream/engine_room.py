"""The networks of a run, loaded once and shared by all its sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steadypose.configs import Config, RefinerConfig, build
from steadypose.engines.crops import CropPolicy
from steadypose.engines.detectors import Detector, load_detector
from steadypose.engines.estimators import Estimator, load_estimator
from steadypose.engines.runtimes import RuntimeOptions
from steadypose.skeletons import Skeleton
from steadypose.trackers import TrackerSettings
from steadypose.trackers.smoothing import Smoother, SmoothingSettings, make_smoother

if TYPE_CHECKING:
    from steadypose.engines.refiner import PoseRefiner
    from steadypose.trackers import PoseTracker


@dataclass(frozen=True, kw_only=True)
class EngineRoom:
    """Detector, estimator, refiner and the settings of the tracker that goes with them.

    Attributes:
        config: All settings.
        detector, estimator: The networks.
        tracker_settings: The tracker's thresholds.
        refiner: None where poses are not refined.
    """

    config: Config
    detector: Detector
    estimator: Estimator
    tracker_settings: TrackerSettings
    refiner: PoseRefiner | None = None

    @classmethod
    def load(cls, config: Config) -> EngineRoom:
        """Load what a configuration names.

        Raises:
            ConfigError: A tracker or smoothing setting, device or run time is unknown or out of
                range.
            ModelError: A model is not at hand.
            EngineError: A run time refuses a model.
        """
        settings = build(TrackerSettings, config.tracker, "tracker")
        build(SmoothingSettings, config.smoothing, "smoothing")
        options = RuntimeOptions(
            device=config.runtime.device,
            precision=config.runtime.precision,
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
        return cls(
            config=config,
            detector=detector,
            estimator=estimator,
            tracker_settings=settings,
            refiner=_load_refiner(config.refiner, options) if config.refiner.enabled else None,
        )

    @property
    def skeleton(self) -> Skeleton:
        """The joints that are tracked."""
        return self.estimator.skeleton if self.refiner is None else self.refiner.skeleton

    def tracker(self) -> PoseTracker:
        """A tracker without memory, for one source."""
        from steadypose.trackers import PoseTracker

        return PoseTracker(self.tracker_settings, self.skeleton)

    def smoother(self) -> Smoother | None:
        """A smoother without memory, for what one source shows; None where it shows all as it is.

        Raises:
            ConfigError: A smoothing setting is unknown or out of range.
        """
        settings = build(SmoothingSettings, self.config.smoothing, "smoothing")
        return make_smoother(self.config.output.smooth, settings)


def _load_refiner(settings: RefinerConfig, options: RuntimeOptions) -> PoseRefiner:
    from steadypose.engines.refiner import load_refiner  # its graph library is slow to import

    refiner = load_refiner(
        settings.model,
        options,
        policy=CropPolicy(sizes=settings.sizes, max_zoom=settings.max_zoom),
        max_batch=settings.max_batch,
        threshold=settings.threshold,
        flip=settings.flip,
        given_weight=settings.given_weight,
        keep_below=settings.keep_below,
        int8=settings.int8,
    )
    refiner.warm_up()
    return refiner
