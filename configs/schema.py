"""All settings as frozen dataclasses; the YAML presets and a user's file are read into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steadypose.errors import ConfigError


def _check(where: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{where}: expected {low:g} to {high:g}, got {value:g}")


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """How people are found.

    Attributes:
        model: A name of the model zoo, or the path of an ``.onnx`` file.
        every: The detector looks at every n-th frame; between, boxes come from predicted tracks.
            A track that was lost or is in doubt may ask for a look in between, granted no sooner
            than n/2 frames after the last one.
        new_score: A box below it does not start a new track (0..1).
        keep_score: A box below it is not even used for a person who is already tracked (0..1).
        nms_iou: Of two boxes that overlap by more, the lesser is dropped (0..1).
    """

    model: str = "picodet-s"
    every: int = 8
    new_score: float = 0.45
    keep_score: float = 0.25
    nms_iou: float = 0.6

    def __post_init__(self) -> None:
        _check("detector.every", self.every, 1, 10_000)
        _check("detector.new_score", self.new_score, 0, 1)
        _check("detector.keep_score", self.keep_score, 0, self.new_score)
        _check("detector.nms_iou", self.nms_iou, 0, 1)


@dataclass(frozen=True, kw_only=True)
class EstimatorConfig:
    """How the joints of a person are found.

    Attributes:
        model: A name of the model zoo, or the path of an ``.onnx`` file.
        sizes: Crop sizes [height, width] in pixels, smallest first, multiples of 32. A person gets
            the largest scale within max_zoom, in the narrowest crop that shows it.
        max_zoom: A crop size is used while it enlarges the person by no more than this.
        max_batch: Most people that go through the network at once.
    """

    model: str = "movenet-thunder"
    sizes: tuple[tuple[int, int], ...] = (
        (192, 64),
        (192, 96),
        (192, 128),
        (256, 96),
        (256, 128),
        (256, 192),
    )
    max_zoom: float = 1.5
    max_batch: int = 8

    def __post_init__(self) -> None:
        for height, width in self.sizes:
            if height % 32 or width % 32 or min(height, width) < 32:
                raise ConfigError(
                    f"estimator.sizes: expected multiples of 32, got {height}x{width}"
                )
        _check("estimator.max_zoom", self.max_zoom, 0.1, 10)
        _check("estimator.max_batch", self.max_batch, 1, 256)


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """What runs the networks.

    Attributes:
        device: ``auto`` or ``cpu``.
        cpu: ``onnxruntime`` or ``openvino``.
        threads: Threads of one network call; 0 takes all cores.
    """

    device: str = "auto"
    cpu: str = "onnxruntime"
    threads: int = 0

    def __post_init__(self) -> None:
        _check("runtime.threads", self.threads, 0, 1024)


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """What is written.

    Attributes:
        formats: Any of ``posetrack``, ``jsonl``, ``coco``, ``csv``, ``openpose``.
        skeleton: Joints of the PoseTrack file: ``posetrack17`` (what the format's evaluators
            read) or ``coco17``.
        save_video: Write the overlay video.
        draw_score: Joints below it are not drawn (0..1).
    """

    formats: tuple[str, ...] = ("posetrack", "jsonl")
    skeleton: str = "posetrack17"
    save_video: bool = False
    draw_score: float = 0.2

    def __post_init__(self) -> None:
        _check("output.draw_score", self.draw_score, 0, 1)


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a run.

    Attributes:
        name: What the settings are called in outputs.
        detector, estimator, runtime, output: See their classes.
        tracker: Values for ``steadypose.trackers.TrackerSettings`` by field name.
    """

    name: str = "balanced"
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    estimator: EstimatorConfig = field(default_factory=EstimatorConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    tracker: Mapping[str, Any] = field(default_factory=dict)
