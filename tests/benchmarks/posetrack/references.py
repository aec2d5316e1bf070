"""The libraries that the field uses, fed with our arrays."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from steadypose.benchmarks.posetrack.metrics import BoxFrame, Pairing
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

    logging.disable()
    data: dict[str, Any] = {
        "similarity_scores": [box_iou(t.boxes, f.boxes) for t, f in zip(truth, found, strict=True)]
    }
    for side, frames in (("gt", truth), ("tracker", found)):
        known = np.unique(np.concatenate([f.ids for f in frames]))
        data[f"{side}_ids"] = [np.searchsorted(known, f.ids) for f in frames]
        data[f"num_{side}_ids"] = len(known)
        data[f"num_{side}_dets"] = sum(len(f.ids) for f in frames)
    got = HOTA().eval_sequence(data)
    names = ("HOTA", "DetA", "AssA", "DetRe", "DetPr", "AssRe", "AssPr", "LocA")
    return {name: 100 * float(np.mean(got[name])) for name in names}


def motmetrics_keypoints(frames: Sequence[Pairing]) -> dict[str, np.ndarray]:
    """Scores of joints by py-motmetrics, an accumulator for each, in percent, as in poseval."""
    import motmetrics

    names = ["num_misses", "num_switches", "num_false_positives", "num_objects", "num_detections"]
    rows = []
    for joint in range(15):
        accumulator = motmetrics.MOTAccumulator(auto_id=True)
        for frame in frames:
            truth, found = np.flatnonzero(frame.truth[joint]), np.flatnonzero(frame.found[joint])
            distance = frame.distance[joint][np.ix_(truth, found)]
            distance = np.where(distance <= 0.5, distance, np.nan)
            accumulator.update(frame.truth_ids[truth], frame.found_ids[found], distance)
        host = motmetrics.metrics.create()
        got = host.compute(accumulator, metrics=names, return_dataframe=False) if frames else {}
        misses, switches, false, objects, hits = (float(got.get(n, 0)) for n in names)
        events = accumulator.events
        matched = events[events.Type.isin(["MATCH", "SWITCH"])]["D"].sum() if len(events) else 0
        logged = events["D"].sum() if len(events) else 0.0
        rows.append(
            {
                "MOTA": 100 * (1 - _divided(misses + switches + false, objects)),
                "precision": 100 * _divided(hits, hits + false),
                "recall": 100 * _divided(hits, objects),
                "MOTP": 100 * (1 - _divided(matched, hits)),
                "MOTP logged": 100 * (1 - logged / hits) if hits else 0.0,
            }
        )
    return {name: np.array([row[name] for row in rows], float) for name in rows[0]}


def _divided(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
