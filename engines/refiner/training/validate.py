"""How good the refined poses of a batch are, against the poses that went in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from steadypose.engines.refiner.data.records import RIGHT_WITHIN, Batch
from steadypose.engines.refiner.training.calibrate import expected_calibration_error
from steadypose.engines.refiner.training.tensors import to_tensors
from steadypose.skeletons import COCO19


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """What came out for M people, beside what went in and what is true. K joints each.

    Attributes:
        error_in: ``(M, K)`` distance of the input joint to the label in head lengths; inf where
            the input has no such joint.
        error_out: ``(M, K)`` the same of the refined joint.
        oks_in, oks_out: ``(M, K)`` the joint's term of OKS before and after.
        score: ``(M, K)`` probability given to the refined joint.
        labelled: ``(M, K)`` bool; the other fields mean something only where it is set.
        absent: ``(A, K)`` probabilities given where nobody is.
    """

    error_in: NDArray[np.float64]
    error_out: NDArray[np.float64]
    oks_in: NDArray[np.float64]
    oks_out: NDArray[np.float64]
    score: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    absent: NDArray[np.float64]


def predict(model: nn.Module, batches: Iterable[Batch], device: torch.device) -> Predictions:
    """Run the model over batches and compare. At least one batch is needed."""
    model.eval()
    parts = []
    for batch in batches:
        tensors = to_tensors(batch, device)
        with torch.inference_mode():
            found = model(tensors["image"], tensors["pose"], tensors["prior"])
        parts.append(_compare(batch, found.float().cpu().numpy().astype(np.float64)))
    names = Predictions.__dataclass_fields__
    return Predictions(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def _compare(batch: Batch, found: NDArray[np.float64]) -> Predictions:
    here = batch.present
    target, unit = batch.target[here].astype(np.float64), batch.unit[here, None]
    before = batch.pose[here].astype(np.float64)
    distance_in = np.linalg.norm(before[..., :2] - target, axis=-1)
    distance_in[before[..., 2] <= 0] = np.inf
    distance_out = np.linalg.norm(found[here, :, :2] - target, axis=-1)
    area = batch.area[here, None]
    return Predictions(
        error_in=distance_in / unit,
        error_out=distance_out / unit,
        oks_in=_oks(distance_in, area),
        oks_out=_oks(distance_out, area),
        score=found[here, :, 2],
        labelled=batch.labelled[here],
        absent=found[~here, :, 2],
    )


def _oks(distance: NDArray[np.float64], area: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each joint's term of COCO's object keypoint similarity, k = 2 sigma."""
    spread = 2 * (2 * COCO19.sigmas) ** 2 * np.maximum(area, 1.0)
    return np.asarray(np.exp(-(distance**2) / spread), np.float64)


def figures(found: Predictions) -> dict[str, float]:
    """Summary over the labelled joints.

    Returns:
        ``oks`` and ``oks_in`` (mean over people of the mean over their joints), ``pck`` and
        ``pck_in`` (share of joints right), ``error`` and ``error_in`` (mean distance in head
        lengths over the joints that the input has), ``harm`` (of the joints right before, the
        share wrong after), ``mended`` (of those wrong or missing before, the share right after),
        ``ece``, ``score`` and ``score_absent`` (mean probability where somebody and nobody is).
        NaN where there is nothing to take the mean of.
    """
    on = found.labelled
    before = found.error_in[on] <= RIGHT_WITHIN
    after = found.error_out[on] <= RIGHT_WITHIN
    had = on & np.isfinite(found.error_in)
    return {
        "oks": _mean(_per_person(found.oks_out, on)),
        "oks_in": _mean(_per_person(found.oks_in, on)),
        "pck": _mean(after),
        "pck_in": _mean(before),
        "error": _mean(found.error_out[had]),
        "error_in": _mean(found.error_in[had]),
        "harm": _mean(~after[before]),
        "mended": _mean(after[~before]),
        "ece": expected_calibration_error(found.score[on], after),
        "score": _mean(found.score[on]),
        "score_absent": _mean(found.absent),
    }


def _per_person(values: NDArray[np.float64], on: NDArray[np.bool_]) -> NDArray[np.float64]:
    count = on.sum(1)
    sums = np.where(on, values, 0).sum(1)
    means: NDArray[np.float64] = sums[count > 0] / count[count > 0]
    return means


def _mean(values: NDArray[np.floating] | NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else float("nan")
