"""Finding the joints of people whose boxes are known: one file a family of networks."""

from steadypose.engines.estimators.base import Estimator, PoseNetwork
from steadypose.engines.estimators.load import load_estimator

__all__ = ["Estimator", "PoseNetwork", "load_estimator"]
