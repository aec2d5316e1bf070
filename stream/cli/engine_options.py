"""Options of every command that tracks: the preset, the networks, the tracker."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from steadypose.configs import (
    CuesConfig,
    DetectorConfig,
    EstimatorConfig,
    RefinerConfig,
    RuntimeConfig,
    preset_names,
)
from steadypose.stream.cli.options import positive, section_values
from steadypose.trackers import TrackerSettings

ENGINE_SECTIONS: Mapping[str, type[Any]] = {
    "detector": DetectorConfig,
    "estimator": EstimatorConfig,
    "refiner": RefinerConfig,
    "cues": CuesConfig,
    "runtime": RuntimeConfig,
    "tracker": TrackerSettings,
}


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--config`` and the short names of common settings."""
    parser.add_argument(
        "--config",
        "--preset",
        default="balanced",
        metavar="P",
        help=f"preset ({', '.join(preset_names())}) or .yaml file [default %(default)s]",
    )
    parser.add_argument("--device", metavar="D", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--detect-every", type=positive, metavar="N", help="same as --detector.every"
    )
    parser.add_argument(
        "--refiner",
        choices=("on", "off"),
        help="refine poses or not; off also estimates everyone in every frame",
    )
    parser.add_argument("--estimate", choices=("always", "new"), help="same as --estimator.when")


def engine_overrides(
    options: argparse.Namespace, sections: Mapping[str, type[Any]] = ENGINE_SECTIONS
) -> dict[str, Any]:
    """The settings that were given, as a nested mapping for ``load_config``.

    Raises:
        ConfigError: A value that is not YAML of a scalar or list.
    """
    return with_values(
        section_values(options, sections),
        ("runtime", "device", options.device),
        ("detector", "every", options.detect_every),
        ("refiner", "enabled", None if options.refiner is None else options.refiner == "on"),
        ("estimator", "when", options.estimate or ("always" if options.refiner == "off" else None)),
    )


def with_values(values: dict[str, Any], *given: tuple[str, str, Any]) -> dict[str, Any]:
    """``values`` with those of section, field, value set whose value is not None."""
    for section, field, value in given:
        if value is not None:
            values.setdefault(section, {})[field] = value
    return values


def import_ahead() -> None:
    """Import the tracker's libraries on a thread: they take as long as the networks to load."""
    threading.Thread(target=import_module, args=("steadypose.trackers.tracker",)).start()
