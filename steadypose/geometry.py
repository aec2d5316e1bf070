"""Similarity of boxes and of poses, for many pairs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


def box_areas(boxes: FloatArray) -> NDArray[np.float64]:
    """Areas ``(N,)`` in square pixels of boxes ``(N, 4)`` x1 y1 x2 y2; 0 for an inverted box."""
    return _areas(np.asarray(boxes, np.float64).reshape(-1, 4))


def box_iou(a: FloatArray, b: FloatArray) -> NDArray[np.float64]:
    """Intersection over union ``(N, M)`` of boxes ``(N, 4)`` and ``(M, 4)``, x1 y1 x2 y2."""
    first, second = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    return _iou(first, second)


def box_iou_pairs(a: FloatArray, b: FloatArray) -> NDArray[np.float64]:
    """Intersection over union ``(P,)`` of row i of ``a`` ``(P, 4)`` with row i of ``b``."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return _iou(first, second)


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    # Side by side, as numpy reduces a last axis of two slowly; so below.
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    areas: NDArray[np.float64] = np.maximum(width, 0) * np.maximum(height, 0)
    return areas


def _iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    width = np.minimum(first[..., 2], second[..., 2]) - np.maximum(first[..., 0], second[..., 0])
    height = np.minimum(first[..., 3], second[..., 3]) - np.maximum(first[..., 1], second[..., 1])
    overlap: NDArray[np.float64] = np.maximum(width, 0) * np.maximum(height, 0)
    union = _areas(first) + _areas(second) - overlap
    return np.divide(overlap, union, out=np.zeros(overlap.shape), where=union > 0)


def oks(
    a: FloatArray,
    b: FloatArray,
    areas: FloatArray,
    sigmas: FloatArray,
    *,
    min_joints: int = 1,
) -> NDArray[np.float64]:
    """Object keypoint similarity ``(N, M)`` of poses, after the COCO keypoint metric.

    ``mean_k exp(-d_k^2 / (2 s^2 (2 sigma_k)^2))`` over the joints that both poses have, where
    ``s^2`` is the person's area (cocodataset.org/#keypoints-eval).

    Args:
        a: ``(N, K, 2)`` keypoints in pixels; missing joints are NaN.
        b: ``(M, K, 2)`` keypoints in pixels; missing joints are NaN.
        areas: ``(M,)`` areas of ``b`` in square pixels (COCO uses the segment's; a box has about
            twice that).
        sigmas: ``(K,)`` per-joint spread, from the skeleton.
        min_joints: Pairs that share fewer joints have similarity 0.

    Returns:
        ``(N, M)`` float64 in 0..1.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    scale = np.asarray(areas, np.float64)[None]
    return _mean_closeness(first[:, None], second[None], scale, sigmas, min_joints)


def oks_pairs(
    a: FloatArray,
    b: FloatArray,
    areas: FloatArray,
    sigmas: FloatArray,
    *,
    min_joints: int = 1,
    weights: FloatArray | None = None,
) -> NDArray[np.float64]:
    """Object keypoint similarity ``(P,)`` of P pairs of poses: row i of ``a`` with row i of ``b``.

    The same as the entries of :func:`oks` for those pairs, where few of all pairs are of interest.

    Args:
        a: ``(P, K, 2)`` keypoints in pixels; missing joints are NaN.
        b: ``(P, K, 2)`` keypoints in pixels; missing joints are NaN.
        areas: ``(P,)`` areas in square pixels.
        sigmas: ``(K,)`` per-joint spread, from the skeleton.
        min_joints: Pairs that share fewer joints have similarity 0.
        weights: ``(P, K)``, 0 or more: how much each joint counts in the mean; all alike where not
            given, as in COCO. Pairs whose shared joints have no weight have similarity 0.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    scale = np.asarray(areas, np.float64)
    return _mean_closeness(first, second, scale, sigmas, min_joints, weights)


def _mean_closeness(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    areas: NDArray[np.float64],
    sigmas: FloatArray,
    min_joints: int,
    weights: FloatArray | None = None,
) -> NDArray[np.float64]:
    way = first - second
    squared = way[..., 0] ** 2 + way[..., 1] ** 2
    scale = np.maximum(areas, 1e-12)[..., None]
    variance = 2 * scale * (2 * np.asarray(sigmas, np.float64)) ** 2
    shared = np.isfinite(squared)
    closeness = np.where(shared, np.exp(-squared / variance), 0)
    count = shared.sum(-1)
    if weights is None:
        mean = closeness.sum(-1) / np.maximum(count, 1)
    else:
        share = np.where(shared, np.asarray(weights, np.float64), 0.0)
        mean = (share * closeness).sum(-1) / np.maximum(share.sum(-1), 1e-12)
    return np.where(count >= min_joints, mean, 0.0)
