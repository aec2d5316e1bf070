"""Settings: their typed schema, the presets and how a file is read into them."""

from steadypose.configs.build import build, unknown
from steadypose.configs.checks import (
    PRECISIONS,
    check_device,
    check_precision,
    check_range,
    check_sizes,
)
from steadypose.configs.live import LiveConfig
from steadypose.configs.load import load_config, preset_names, read_yaml, recipe_paths
from steadypose.configs.schema import (
    Config,
    CuesConfig,
    DetectorConfig,
    EstimatorConfig,
    OutputConfig,
    RefinerConfig,
    RuntimeConfig,
)

__all__ = [
    "PRECISIONS",
    "Config",
    "CuesConfig",
    "DetectorConfig",
    "EstimatorConfig",
    "LiveConfig",
    "OutputConfig",
    "RefinerConfig",
    "RuntimeConfig",
    "build",
    "check_device",
    "check_precision",
    "check_range",
    "check_sizes",
    "load_config",
    "preset_names",
    "read_yaml",
    "recipe_paths",
    "unknown",
]
