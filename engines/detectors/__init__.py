"""Finding people: one file a family of networks."""

from steadypose.engines.detectors.base import Detections, Detector
from steadypose.engines.detectors.load import load_detector

__all__ = ["Detections", "Detector", "load_detector"]
