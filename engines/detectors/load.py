"""A detector from a name in the zoo or a file of one's own."""

from __future__ import annotations

from pathlib import Path

from steadypose.engines import zoo
from steadypose.engines.detectors.base import Detector
from steadypose.engines.detectors.openmmlab import MmDetector
from steadypose.engines.detectors.picodet import PicoDet
from steadypose.engines.runtimes import Engine, RuntimeOptions, load_engine
from steadypose.errors import ModelError

FAMILIES: dict[str, tuple[str, ...]] = {
    "picodet-s": ("picodet-s-416", "picodet-s-416x736"),
}
"""Names that stand for several networks of the zoo, of which the frame's shape picks one."""


def load_detector(
    model: str,
    options: RuntimeOptions | None = None,
    *,
    min_score: float = 0.2,
    nms_iou: float = 0.6,
) -> Detector:
    """Load a detector.

    Args:
        model: A family of ``FAMILIES``, a name in the zoo, or the path of an ``.onnx`` file.
        options: How to run it.
        min_score: People below it are not reported.
        nms_iou: Overlap above which the lesser of two boxes is dropped.

    Raises:
        ModelError: The model is not at hand, or its inputs and outputs are of no known family.
        EngineError: The run time refuses it.
    """
    if model in FAMILIES:
        engines = [load_engine(zoo.locate(name), options) for name in FAMILIES[model]]
        sizes = [_fixed_size(engine) for engine in engines]
        return PicoDet(dict(zip(sizes, engines, strict=True)), min_score=min_score, nms_iou=nms_iou)
    path = Path(model) if model.endswith(".onnx") else zoo.locate(model)
    engine = load_engine(path, options)
    if set(engine.outputs) == {"boxes", "scores"}:
        return PicoDet.from_engine(engine, min_score=min_score, nms_iou=nms_iou)
    if "dets" in engine.outputs or len(engine.outputs) == 1:
        rtmdet = "rtmdet" in path.name.lower()
        return MmDetector(engine, normalise=rtmdet, min_score=min_score, nms_iou=nms_iou)
    raise ModelError(
        f"{path}: outputs {', '.join(engine.outputs)} are of no detector known here "
        "(PicoDet of the zoo, RTMDet, YOLOX)"
    )


def _fixed_size(engine: Engine) -> tuple[int, int]:
    shape = engine.inputs["image"].shape
    return int(shape[1] or 0), int(shape[2] or 0)
