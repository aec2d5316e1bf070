"""The libraries that the field uses, fed with our arrays."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from steadypose.benchmarks.posetrack.metrics import BoxFrame
from steadypose.geometry import box_iou


def motmetrics_scores(truth: Sequence[BoxFrame], found: Sequence[BoxFrame]) -> dict[str, float]:
    """Scores of boxes by py-motmetrics, in percent; pairs below IoU 0.5 are none."""
    import motmetrics

    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for t, f in zip(truth, found, strict=True):
        distance = 1 - box_iou(t.boxes, f.boxes)
        accumulator.update(t.ids, f.ids, np.where(distance <= 0.5, distance, np.nan))
    names = ["mota", "idf1", "num_switches", "num_misses", "num_false_positives"]
    got = motmetrics.metrics.create().compute(accumulator, metrics=names, return_dataframe=False)
    scores = {
        "switches": got["num_switches"],
        "misses": got["num_misses"],
        "false_positives": got["num_false_positives"],
    }
    if any(len(t.ids) for t in truth):
        scores |= {"MOTA": 100 * got["mota"], "IDF1": 100 * got["idf1"]}
    return scores


def trackeval_scores(truth: Sequence[BoxFrame], found: Sequence[BoxFrame]) -> dict[str, float]:
    """HOTA of boxes by TrackEval, in percent, the means over its thresholds."""
    from trackeval.metrics import HOTA

    data: dict[str, Any] = {
        "similarity_scores": [box_iou(t.boxes, f.boxes) for t, f in zip(truth, found, strict=True)]
    }
    for side, frames in (("gt", truth), ("tracker", found)):
        known = np.unique(np.concatenate([f.ids for f in frames]))
        data[f"{side}_ids"] = [np.searchsorted(known, f.ids) for f in frames]
        data[f"num_{side}_ids"] = len(known)
        data[f"num_{side}_dets"] = sum(len(f.ids) for f in frames)
    logging.disable()  # it tells of every sequence
    try:
        got = HOTA().eval_sequence(data)
    finally:
        logging.disable(logging.NOTSET)
    names = ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA")
    return {name: 100 * float(np.mean(got[name])) for name in names}
