"""All settings as frozen dataclasses; the YAML presets and a user's file are read into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steadypose.configs.checks import (
    check_choice,
    check_device,
    check_precision,
    check_range,
    check_sizes,
)
from steadypose.configs.live import LiveConfig
from steadypose.errors import ConfigError

_CROP_SIZES = ((192, 64), (192, 96), (192, 128), (256, 96), (256, 128), (256, 192))


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
        check_range("detector.every", self.every, 1, 10_000)
        check_range("detector.new_score", self.new_score, 0, 1)
        check_range("detector.keep_score", self.keep_score, 0, self.new_score)
        check_range("detector.nms_iou", self.nms_iou, 0, 1)


@dataclass(frozen=True, kw_only=True)
class EstimatorConfig:
    """How the joints of a person are found.

    Attributes:
        model: A name of the model zoo, or the path of an ``.onnx`` file.
        sizes: Crop sizes [height, width] in pixels, smallest first, multiples of 32. A person gets
            the largest scale within max_zoom, in the narrowest crop that shows it.
        max_zoom: A crop size is used while it enlarges the person by no more than this.
        max_batch: Most people that go through the network at once.
        when: ``always``, or ``new``: steady people are held, and with a refiner a person whose last
            refined pose was sure is refined straight from the track's prediction; only new and
            doubtful people are estimated.
        sure_score: With ``new``, a pose is sure from this mean probability of its joints on, a
            dropped joint counted as 0 (0..1).
        sure_joints: With ``new``, and with so many joints of a probability of 0.5 or more (0..19).
        hold: With ``new``, frames in a row for which a steady person may be shown where the
            picture's motion carries them, without a network's look; 0 looks at everyone in every
            frame.
        hold_oks: With ``new``, a person is steady where the last look agreed with what the track
            had expected, at an OKS of at least this (0..1).
        steady_crops: Cut people out at the nearest boxes of a grid, so that who hardly moves is
            seen in the same crop; off to cut at their own boxes.
    """

    model: str = "movenet-thunder"
    sizes: tuple[tuple[int, int], ...] = _CROP_SIZES
    max_zoom: float = 1.5
    max_batch: int = 8
    when: str = "always"
    sure_score: float = 0.55
    sure_joints: int = 8
    hold: int = 2
    hold_oks: float = 0.6
    steady_crops: bool = True

    def __post_init__(self) -> None:
        check_sizes("estimator.sizes", self.sizes)
        check_range("estimator.max_zoom", self.max_zoom, 0.1, 10)
        check_range("estimator.max_batch", self.max_batch, 1, 256)
        if self.when not in ("always", "new"):
            raise ConfigError(f"estimator.when: expected always or new, got {self.when}")
        check_range("estimator.sure_score", self.sure_score, 0, 1)
        check_range("estimator.sure_joints", self.sure_joints, 0, 19)
        check_range("estimator.hold", self.hold, 0, 100)
        check_range("estimator.hold_oks", self.hold_oks, 0, 1)


@dataclass(frozen=True, kw_only=True)
class RefinerConfig:
    """How poses are refined.

    Attributes:
        enabled: Whether poses are refined at all.
        model: ``refiner-fast``, ``refiner-accurate``, or the path of an ``.onnx`` file.
        threshold: Joints whose probability is not above it are dropped: 0 keeps all (best for
            mAP), a higher one is better for MOTA (0 to below 1).
        sizes: Crop sizes [height, width] in pixels, smallest first, multiples of 32.
        max_zoom: A crop size is used while it enlarges the person by no more than this.
        max_batch: Most people that go through the network at once.
        flip: Refine the mirrored crop too and join the two; takes twice as long.
        prior: Tell the refiner where the tracks expect each person; off to compare.
        given_weight: Weight of the estimator's place of a joint that the refiner has near by, the
            rest being the refiner's; 0 takes the refiner's alone (0 to below 1).
        keep_below: A joint that would be moved far with a probability below this stays where the
            estimator had it; 0 moves all, a higher value does less harm to joints that were right
            and mends fewer that were not (0 to below 1).
        int8: Compute in INT8 on the processor where the model has a file for it, as those that come
            with the package have; less exact and faster. Not with ``runtime.cpu: openvino``.
    """

    enabled: bool = False
    model: str = "refiner-accurate"
    threshold: float = 0.0
    sizes: tuple[tuple[int, int], ...] = _CROP_SIZES
    max_zoom: float = 1.5
    max_batch: int = 8
    flip: bool = False
    prior: bool = True
    given_weight: float = 0.4
    keep_below: float = 0.2
    int8: bool = True

    def __post_init__(self) -> None:
        check_range("refiner.threshold", self.threshold, 0, 0.999)
        check_range("refiner.given_weight", self.given_weight, 0, 0.999)
        check_range("refiner.keep_below", self.keep_below, 0, 0.999)
        check_sizes("refiner.sizes", self.sizes)
        check_range("refiner.max_zoom", self.max_zoom, 0.1, 10)
        check_range("refiner.max_batch", self.max_batch, 1, 256)


@dataclass(frozen=True, kw_only=True)
class CuesConfig:
    """What the tracker is told of the pictures besides poses; see ``docs/tracking.md``.

    Attributes:
        appearance: Describe what people look like (colours of torso and legs).
        camera_motion: Estimate how the camera moved, from the background.
        scene_cuts: Begin anew where another shot of a video begins.
    """

    appearance: bool = True
    camera_motion: bool = False
    scene_cuts: bool = True


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """What runs the networks.

    Attributes:
        device: ``auto`` takes the first NVIDIA GPU that TensorRT can use, else the processor;
            ``cpu`` the processor; ``cuda`` or ``cuda:N`` insists on that GPU.
        precision: ``fp16`` or ``fp32``, on a GPU only: the processor computes in FP32.
        cpu: ``onnxruntime`` or ``openvino``, where the processor computes.
        threads: Threads of one network call there; 0 takes all cores.
    """

    device: str = "auto"
    precision: str = "fp16"
    cpu: str = "onnxruntime"
    threads: int = 0

    def __post_init__(self) -> None:
        check_device("runtime.device", self.device)
        check_precision("runtime.precision", self.precision)
        check_range("runtime.threads", self.threads, 0, 1024)


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """What is written.

    Attributes:
        formats: Any of ``posetrack``, ``jsonl``, ``coco``, ``csv``, ``openpose``, ``parquet``,
            ``trc``.
        skeleton: Joints of the PoseTrack file: ``posetrack17`` (what the format's evaluators
            read) or ``coco17``.
        save_video: Write the overlay video.
        draw_score: Joints below it are not drawn (0..1).
        blur: ``faces`` or ``people``: write the video with the faces, or all of everyone, made
            unrecognisable; ``off``: do not.
        crops: Write a picture of each person in each frame.
        smooth: What is written is smoothed: ``off``, ``one-euro`` (at once; for display), or
            ``fixed-lag`` (waits for what comes after a frame; for files). The tracker goes by the
            poses as they were found.
    """

    formats: tuple[str, ...] = ("posetrack", "jsonl")
    skeleton: str = "posetrack17"
    save_video: bool = False
    draw_score: float = 0.2
    blur: str = "off"
    crops: bool = False
    smooth: str = "off"

    def __post_init__(self) -> None:
        check_range("output.draw_score", self.draw_score, 0, 1)
        check_choice("output.blur", self.blur, ("off", "faces", "people"))
        check_choice("output.smooth", self.smooth, ("off", "one-euro", "fixed-lag"))


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a run.

    Attributes:
        name: What the settings are called in outputs.
        detector, estimator, refiner, cues, runtime, output, live: See their classes.
        tracker: Values for ``steadypose.trackers.TrackerSettings`` by field name.
        smoothing: Values for ``steadypose.trackers.SmoothingSettings`` by field name.

    Raises:
        ConfigError: ``estimator.when`` is ``new`` and there is no refiner, or no prior, to do the
            work.
    """

    name: str = "balanced"
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    estimator: EstimatorConfig = field(default_factory=EstimatorConfig)
    refiner: RefinerConfig = field(default_factory=RefinerConfig)
    cues: CuesConfig = field(default_factory=CuesConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    live: LiveConfig = field(default_factory=LiveConfig)
    tracker: Mapping[str, Any] = field(default_factory=dict)
    smoothing: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.estimator.when == "new" and not self.refiner.enabled and not self.estimator.hold:
            raise ConfigError(
                "estimator.hold: without a refiner, 'estimator.when: new' spares only those who "
                "are held; set it to 1 or more, or choose 'always'"
            )
        if self.estimator.when == "new" and self.refiner.enabled and not self.refiner.prior:
            raise ConfigError(
                "refiner.prior: 'estimator.when: new' refines from the prior alone; switch it on "
                "or choose 'always'"
            )
