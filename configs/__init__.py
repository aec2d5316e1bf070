"""Settings: their typed schema, the presets and how a file is read into them."""

from steadypose.configs.build import build, unknown
from steadypose.configs.load import load_config, preset_names
from steadypose.configs.schema import (
    Config,
    DetectorConfig,
    EstimatorConfig,
    OutputConfig,
    RefinerConfig,
    RuntimeConfig,
)

__all__ = [
    "Config",
    "DetectorConfig",
    "EstimatorConfig",
    "OutputConfig",
    "RefinerConfig",
    "RuntimeConfig",
    "build",
    "load_config",
    "preset_names",
    "unknown",
]
