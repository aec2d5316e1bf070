"""Joint thresholds: mAP wants every joint, MOTA only those that are likely right.

A threshold is found on training sequences and never on those that are reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.evaluation import Evaluation
from steadypose.benchmarks.posetrack.scores import ProtocolName, Scores
from steadypose.errors import InputError

GRID = tuple(np.round(np.arange(0, 1, 0.05), 2).tolist())
"""Thresholds that are tried."""


@dataclass(frozen=True)
class OperatingPoint:
    """Joints below a threshold are taken for missing.

    Attributes:
        name: ``mAP`` or ``MOTA``: what it is best for.
        threshold: Of the joints' scores; None keeps all, also those without a score.
        origin: Where the threshold is from, for the reader.
    """

    name: str
    threshold: float | None
    origin: str

    def __str__(self) -> str:
        kept = "all joints" if self.threshold is None else f"joints of score >= {self.threshold:g}"
        return f"operating point for {self.name}: {kept} ({self.origin})"


def untuned(mota_threshold: float | None = None, origin: str = "given") -> list[OperatingPoint]:
    """The two points where nothing was tuned."""
    if mota_threshold is None:
        return [OperatingPoint("mAP and MOTA", None, "not tuned")]
    return [
        OperatingPoint("mAP", None, "not tuned"),
        OperatingPoint("MOTA", mota_threshold, origin),
    ]


def tune(
    training: Iterable[tuple[Clip, Clip]],
    reported: Iterable[str],
    protocol: ProtocolName = "official",
) -> list[OperatingPoint]:
    """The thresholds of ``GRID`` that give the best mAP and the best MOTA; the lowest of equals.

    Args:
        training: Truth and predictions of training sequences.
        reported: Names of the clips that will be reported.
        protocol: By whose rules.

    Raises:
        InputError: There are no training sequences, or one of them is reported.
    """
    taken = set(reported)
    trials = {threshold: Evaluation(("ap", "mota"), protocol, threshold) for threshold in GRID}
    names = []
    for truth, found in training:
        if truth.name in taken:
            raise InputError(
                f"{truth.source}: sequence {truth.name} is among the reported ones; thresholds are "
                "found on others"
            )
        for trial in trials.values():
            trial.add(truth, found)
        names.append(truth.name)
    if not names:
        raise InputError("no training sequence to find thresholds on")
    totals = {threshold: trial.total() for threshold, trial in trials.items()}
    best_map = max(GRID, key=lambda t: (_known(totals[t].ap, "AP"), -t))
    best_mota = max(GRID, key=lambda t: (_known(totals[t].mota, "MOTA"), -t))
    origin = f"found on {len(names)} training sequence{'s' * (len(names) > 1)}"
    return [
        OperatingPoint("mAP", best_map, origin),
        OperatingPoint("MOTA", best_mota, origin),
    ]


def _known(scores: Scores | None, name: str) -> float:
    total = scores[name].total if scores else np.nan
    return -np.inf if np.isnan(total) else total
