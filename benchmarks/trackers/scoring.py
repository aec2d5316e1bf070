"""Scores of one video as sums, so that videos can be pooled and drawn again.

This is the only module that knows whose metric functions are used (TrackEval, MIT).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.trackers.footage import Footage, person_sizes
from steadypose.benchmarks.trackers.truth import Truth
from steadypose.errors import InputError
from steadypose.geometry import box_iou

Floats = NDArray[np.float64]

MEASURES = ("MOTA", "IDF1", "HOTA", "DetA", "AssA", "switches")
"""Percent, but for the number of id switches."""

_ALPHAS = 19
_COUNTS = ("CLR_TP", "CLR_FN", "CLR_FP", "IDSW", "IDTP", "IDFN", "IDFP")
HEAD_OF_SIZE = 0.17
"""Head length in person sizes for files without head boxes: the median of 40 videos that have them
(Bonn Multi-Person PoseTrack)."""


def box_sums(truth: Truth, observed: Footage, ids: NDArray[np.int64]) -> Floats:
    """What :func:`measures` needs of a video, boxes compared by IoU.

    Args:
        truth: The true people.
        observed: The observations of the same frames.
        ids: ``(M,)`` id that a tracker gave each observation; below 0 for none.
    """

    def overlap(frame: int) -> Floats:
        true = truth.footage.people.boxes[truth.footage.rows(frame)]
        return box_iou(true, observed.people.boxes[observed.rows(frame)])

    similarity = [overlap(frame) for frame in range(len(observed))]
    true_ids = _by_frame(truth.footage, truth.footage.people.track_ids)
    return _sums(true_ids, _by_frame(observed, ids), similarity)


def joint_sums(truth: Truth, observed: Footage, ids: NDArray[np.int64]) -> Floats:
    """The same ``(K, V)`` of each joint; near is half of the head length (PCKh, Andriluka 2014).

    The similarity falls from 1 over 1/2 at that distance to 0 at twice of it.
    """
    true, found = truth.footage.people, observed.people
    sizes = person_sizes(true.boxes)
    near = 0.5 * np.where(np.isfinite(truth.heads), truth.heads, HEAD_OF_SIZE * sizes)
    return np.array(
        [
            _one_joint(
                truth.footage, true.keypoints[:, k], near, observed, found.keypoints[:, k], ids
            )
            for k in range(len(true.skeleton))
        ]
    )


def _one_joint(
    truth: Footage,
    true: NDArray[np.floating],
    near: Floats,
    observed: Footage,
    found: NDArray[np.floating],
    ids: NDArray[np.int64],
) -> Floats:
    there = np.isfinite(true[:, 0])
    seen = np.where(np.isfinite(found[:, 0]), ids, -1)
    true_ids = np.where(there, truth.people.track_ids, -1)
    similarity = []
    for frame in range(len(observed)):
        rows, columns = truth.rows(frame), observed.rows(frame)
        way = np.linalg.norm(true[rows, None].astype(float) - found[None, columns], axis=2)
        similarity.append(np.clip(1 - way / (2 * near[rows, None]), 0, 1))
    return _sums(_by_frame(truth, true_ids), _by_frame(observed, seen), similarity)


def measures(sums: Floats) -> Floats:
    """:data:`MEASURES` ``(..., 6)`` of summed videos ``(..., V)``; NaN where nobody is true."""
    tp, fn, fp, switches, idtp, idfn, idfp = np.moveaxis(sums[..., : len(_COUNTS)], -1, 0)
    hota_tp, hota_fn, hota_fp, weighted = np.moveaxis(
        sums[..., len(_COUNTS) :].reshape(*sums.shape[:-1], 4, _ALPHAS), -2, 0
    )
    detection = hota_tp / np.maximum(hota_tp + hota_fn + hota_fp, 1)
    association = weighted / np.maximum(hota_tp, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mota = 1 - (fn + fp + switches) / (tp + fn)
    percent = [
        mota,
        idtp / np.maximum(idtp + (idfn + idfp) / 2, 1),
        np.sqrt(detection * association).mean(-1),
        detection.mean(-1),
        association.mean(-1),
    ]
    return np.stack([100 * value for value in percent] + [switches], -1)


def _by_frame(footage: Footage, ids: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [ids[footage.rows(frame)] for frame in range(len(footage))]


def _sums(
    true: Sequence[NDArray[np.int64]],
    found: Sequence[NDArray[np.int64]],
    similarity: Sequence[Floats],
) -> Floats:
    """Counts of CLEAR MOT and Identity, then for each threshold of HOTA the counts and AssA."""
    clear, identity, hota = _metrics()
    pairs = zip(true, found, similarity, strict=True)
    parts = [(t[t >= 0], f[f >= 0], s[t >= 0][:, f >= 0]) for t, f, s in pairs]
    true_ids, found_ids = _dense([p[0] for p in parts]), _dense([p[1] for p in parts])
    data = {
        "num_timesteps": len(parts),
        "gt_ids": true_ids,
        "tracker_ids": found_ids,
        "similarity_scores": [p[2] for p in parts],
        "num_gt_dets": sum(map(len, true_ids)),
        "num_tracker_dets": sum(map(len, found_ids)),
        "num_gt_ids": _count(true_ids),
        "num_tracker_ids": _count(found_ids),
    }
    counts = {**clear.eval_sequence(data), **identity.eval_sequence(data)}
    result = hota.eval_sequence(data)
    names = ("HOTA_TP", "HOTA_FN", "HOTA_FP")
    return np.concatenate(
        [
            [float(counts[name]) for name in _COUNTS],
            *(result[name] for name in names),
            result["AssA"] * result["HOTA_TP"],
        ]
    )


def _dense(ids: Sequence[NDArray[np.int64]]) -> list[NDArray[np.intp]]:
    """The same ids counted from 0."""
    flat = np.concatenate(ids) if ids else np.empty(0, np.int64)
    _, place = np.unique(flat, return_inverse=True)
    return np.split(place.astype(np.intp), np.cumsum([len(i) for i in ids])[:-1])


def _count(ids: Sequence[NDArray[np.intp]]) -> int:
    return 1 + max((int(i.max()) for i in ids if len(i)), default=-1)


def _metrics() -> tuple[Any, Any, Any]:
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise InputError("bench trackers needs TrackEval: pip install trackeval") from error
    quiet = {"PRINT_CONFIG": False}
    return CLEAR(quiet), Identity(quiet), HOTA()
