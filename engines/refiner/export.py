"""From a trained refiner to ONNX (opset 17), in FP32 or FP16, with a record of where it comes from.

In FP16 the weights and what flows between the convolutions are half as large; the pose's maps are
drawn, and the joints read from the heads' maps, in float32. Inputs and outputs are the same in
both: ``image`` uint8, ``pose``, ``prior`` and ``keypoints`` float32.
"""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from steadypose.engines.refiner.exporting import write_refiner
from steadypose.engines.refiner.network import JOINTS, Refiner
from steadypose.engines.refiner.onnx_passes import fold_padding

Precision = Literal["fp32", "fp16"]

OPSET = 17
_SAMPLE_SIZE = (64, 96)
_AXES = {
    "image": {0: "N", 1: "H", 2: "W"},
    "pose": {0: "N"},
    "prior": {0: "N"},
    "keypoints": {0: "N"},
}


def export_refiner(
    model: Refiner, path: Path, precision: Precision, record: Mapping[str, object]
) -> Path:
    """Write the network as ONNX and its record as JSON beside it.

    Args:
        model: Trained, on the CPU; left as it is.
        path: The ONNX file; the record gets the same name with ``.json``.
        precision: Of weights and activations.
        record: What to keep beside variant and precision; see ``write_refiner``.

    Returns:
        The record's path.

    Raises:
        OutputError: A file cannot be written.
    """
    graph = _traced(model if precision == "fp32" else halved(model))
    fold_padding(graph)
    _name_output_sides(graph)
    told = {"variant": model.variant, "precision": precision, **record}
    onnx.checker.check_model(graph, full_check=True)
    return write_refiner(graph, path, told)


def halved(model: Refiner) -> Refiner:
    """A copy whose convolutions have FP16 weights; what they feed is decoded in float32."""
    found = copy.deepcopy(model)
    for module in found.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.half()
    return found


def _traced(model: Refiner) -> onnx.ModelProto:
    height, width = _SAMPLE_SIZE
    # Two people and sides of their own, so that no dimension is taken for another or for 1.
    image = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    pose = torch.full((2, JOINTS, 3), 0.5)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        traced = Path(folder) / "traced.onnx"
        # The exporter by torch.export would need onnxscript; this one needs torch alone.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (image, pose, pose.clone()),
            traced,
            input_names=["image", "pose", "prior"],
            output_names=["keypoints"],
            opset_version=OPSET,
            dynamic_axes=_AXES,
            dynamo=False,
        )
        return onnx.load(traced)


def _name_output_sides(model: onnx.ModelProto) -> None:
    """The exporter does not see that the output has as many joints as the input."""
    shape = model.graph.output[0].type.tensor_type.shape
    shape.dim[1].dim_value, shape.dim[2].dim_value = JOINTS, 3


def run_onnx(
    path: Path,
    image: NDArray[np.uint8],
    pose: NDArray[np.float32],
    prior: NDArray[np.float32],
) -> NDArray[np.float32]:
    """``(N, 19, 3)`` of an exported refiner on the CPU; arguments as of ``Refiner.forward``."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = {"image": image, "pose": pose, "prior": prior}
    return np.asarray(session.run(["keypoints"], inputs)[0], np.float32)


def distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> dict[str, float]:
    """How far two results ``(N, 19, 3)`` on the same input are apart.

    Returns:
        ``p50_px``, ``p99_px``, ``max_px`` of the joints' distance in crop pixels, and
        ``max_score``, the largest difference of a probability.
    """
    away = np.linalg.norm(a[..., :2].astype(np.float64) - b[..., :2], axis=-1)
    return {
        "p50_px": float(np.percentile(away, 50)),
        "p99_px": float(np.percentile(away, 99)),
        "max_px": float(away.max()),
        "max_score": float(np.abs(a[..., 2] - b[..., 2]).max()),
    }
