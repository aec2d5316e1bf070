"""Clips of rectangles for the measurements, and a room that finds them with a real network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from steadypose.configs import Config
from steadypose.engines.estimators import load_estimator
from steadypose.stream.engine_room import EngineRoom
from tests.benchmarks.made_up import write_tiny_movenet
from tests.stream.stand_ins import scene, stand_in_room, walk


def write_clip(folder: Path, frames: int = 12) -> Path:
    """A folder of pictures of two rectangles that walk."""
    folder.mkdir()
    for i, people in enumerate(walk(frames)):
        cv2.imwrite(str(folder / f"{i:03}.png"), scene(people))
    return folder


def room_with_a_network(folder: Path, config: Config | None = None) -> EngineRoom:
    """Stand-ins, but for an estimator whose network ONNX Runtime runs."""
    joints = np.random.default_rng(0).uniform(20, 100, (17, 3)).astype(np.float32)
    joints[:, 2] = 0.9
    estimator = load_estimator(str(write_tiny_movenet(folder / "tiny.onnx", joints)))
    return replace(stand_in_room(config or Config()), estimator=estimator)
