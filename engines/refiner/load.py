"""A refiner from the name of one that is shipped, or from a file of one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steadypose.configs import unknown
from steadypose.engines import zoo
from steadypose.engines.crops import CropPolicy
from steadypose.engines.refiner.precision import float32_graph
from steadypose.engines.refiner.refine import GIVEN_WEIGHT, KEEP_BELOW, PoseRefiner
from steadypose.engines.runtimes import Engine, RuntimeOptions, Shapes, load_engine
from steadypose.errors import ModelError
from steadypose.skeletons import COCO19

WEIGHTS = Path(__file__).resolve().parent / "weights"
REFINERS = ("refiner-fast", "refiner-accurate")
"""The refiners that come with the package."""

_MAX_RECORD_BYTES = 1_000_000


def load_refiner(
    model: str,
    options: RuntimeOptions | None = None,
    *,
    policy: CropPolicy | None = None,
    max_batch: int = 8,
    threshold: float = 0.0,
    flip: bool = False,
    given_weight: float = GIVEN_WEIGHT,
    keep_below: float = KEEP_BELOW,
    int8: bool = True,
) -> PoseRefiner:
    """Load a refiner; the processor computes in INT8 where there is a file for it, else in FP32.

    Args:
        model: One of ``REFINERS``, or the path of an ``.onnx`` file of ``steadypose export``.
        options: How to run it.
        policy: Which crop size a person gets.
        max_batch: No more crops than this go through the network at once.
        threshold: Probability up to which joints are dropped; see ``PoseRefiner``.
        flip: Whether the mirrored crop is refined too.
        given_weight: Weight of the place given where both agree; see ``PoseRefiner``.
        keep_below: Probability below which a joint is not moved far; see ``PoseRefiner``.
        int8: Whether ONNX Runtime on the processor takes the file in INT8 that lies beside the
            refiner's under its name with ``-int8``, where there is one.

    Raises:
        ModelError: The file is not at hand, not what its record says, or no refiner.
        EngineError: The run time refuses it.
    """
    path = refiner_path(model)
    record = check_source(path)
    chosen = options or RuntimeOptions()
    wanted = policy or CropPolicy()
    shapes = Shapes(max_batch=max_batch, sizes=wanted.sizes)
    may_be_int8 = int8 and chosen.runtime == "onnxruntime"

    def on_processor() -> tuple[Path, bytes | None]:
        small = int8_path(path, record) if may_be_int8 else None
        return (small, None) if small else (path, float32_graph(path))

    engine = load_engine(path, chosen, shapes=shapes, processor=on_processor)
    _check_contract(engine)
    return PoseRefiner(
        engine,
        wanted,
        max_batch=max_batch,
        threshold=threshold,
        flip=flip,
        given_weight=given_weight,
        keep_below=keep_below,
    )


def refiner_path(model: str) -> Path:
    """Where a refiner's file is. Raises ModelError when it is not there."""
    if model.endswith(".onnx"):
        path = Path(model)
        if not path.is_file():
            raise ModelError(f"{path}: no such refiner; export one with: steadypose export")
        return path
    if model not in REFINERS:
        raise ModelError(unknown("refiner", model, list(REFINERS)) + " (or an .onnx file)")
    path = WEIGHTS / f"{model}.onnx"
    if not path.is_file():
        raise ModelError(
            f"'{model}' is not part of this installation; train one with steadypose train, "
            "or name an .onnx file"
        )
    return path


def int8_path(path: Path, record: Mapping[str, Any]) -> Path | None:
    """The file in INT8 of the refiner at ``path``; None where there is none.

    Args:
        path: The refiner's file.
        record: What ``check_refiner`` gave for it.

    Raises:
        ModelError: It is damaged, or was made of another refiner than the one at ``path``.
    """
    small = path.with_name(f"{path.stem}-int8.onnx")
    if not small.is_file():
        return None
    # A record that was checked tells the digest: large files are read once at a start.
    if check_refiner(small).get("of") != (record.get("sha256") or zoo.file_sha256(path)):
        raise ModelError(
            f"{small}: not made of {path.name}; export it again, remove it, or give "
            "--refiner.int8 false"
        )
    return small


def check_source(path: Path) -> dict[str, Any]:
    """``check_refiner`` of a file that is not in INT8: those are made of another one.

    Raises:
        ModelError: It is in INT8, or for the reasons of ``check_refiner``.
    """
    record = check_refiner(path)
    if record.get("precision") == "int8":
        raise ModelError(f"{path}: the processor takes it by itself; name the file it was made of")
    return record


def check_refiner(path: Path) -> dict[str, Any]:
    """Compare a refiner's file with the SHA-256 in the record beside it, and return the record.

    A shipped refiner must have a record; a file of one's own without one is taken as it is.

    Raises:
        ModelError: There is no such record, it cannot be read, or the file is another.
    """
    beside = path.with_suffix(".json")
    if not beside.is_file():
        if path.parent == WEIGHTS:
            raise ModelError(f"{beside}: missing; install steadypose again")
        return {}
    record = _read_record(beside)
    expected = record.get("sha256")
    if expected is None and path.parent != WEIGHTS:
        return record
    if zoo.file_sha256(path) != expected:
        remedy = "install steadypose again" if path.parent == WEIGHTS else "export it again"
        raise ModelError(f"{path}: not the file that {beside.name} tells of; {remedy}")
    return record


def _read_record(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_RECORD_BYTES:
            raise ModelError(f"{path}: larger than a record can be (1 MB)")
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON") from error
    if not isinstance(record, dict):
        raise ModelError(f"{path}: expected keys and values at the top level")
    return record


def _check_contract(engine: Engine) -> None:
    """Raise ModelError unless the network takes and gives what a refiner does."""
    inputs, output = engine.inputs, engine.outputs.get("keypoints")
    fits = set(inputs) == {"image", "pose", "prior"} and output is not None
    joints = [spec.shape[1:] for name, spec in inputs.items() if name != "image"]
    if output is not None:
        joints.append(output.shape[1:])
    if not fits or any(shape != (len(COCO19), 3) for shape in joints):
        raise ModelError(
            f"{engine.path}: not a refiner: expected image, pose, prior to keypoints "
            f"(N, {len(COCO19)}, 3), got {', '.join(inputs)} to {', '.join(engine.outputs)}"
        )
