"""Poses of one skeleton expressed in another.

Joints of the same name are copied. ``neck`` of LSP and MPII and ``head_bottom`` of PoseTrack stand
for the same place (the upper neck) and are copied onto one another. What the source does not have
is derived where a rule exists, else it is missing:

======================  ==========================================================
``head_bottom``/neck    ``S + 0.3 (H - S)``
``head_top``            ``S + 1.5 (H - S)``
``thorax``              ``S``
``pelvis``              midpoint of the hips
======================  ==========================================================

``S`` is the midpoint of the shoulders and ``H`` the nose or, where it is missing, the mean of the
eyes and ears present. The two factors are the medians, rounded, over the people of the PoseTrack
2018 sample annotations that carry all five joints (0.28 and 1.47 over 13 people): a guess from
geometry, good to about a sixth of the head's length for the neck and half of it for the top. A
derived joint takes the lowest score of the joints it was derived from.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.poses import Poses
from steadypose.skeletons import Skeleton

HEAD_BOTTOM_FACTOR = 0.3
HEAD_TOP_FACTOR = 1.5

_ALIASES = {"neck": "head_bottom", "head_bottom": "neck"}
_FACE = ("left_eye", "right_eye", "left_ear", "right_ear")

_Joint = NDArray[np.floating]
"""``(N, 3)`` x, y in pixels and score; a missing joint is NaN, NaN, 0."""


def map_poses(poses: Poses, target: Skeleton) -> Poses:
    """Express ``poses`` in another skeleton by the rules of this module.

    Args:
        poses: N people of any skeleton.
        target: The skeleton wanted.

    Returns:
        The same people, boxes, scores and ids with ``len(target)`` joints. Joints that the target
        lists but never labels (PoseTrack's ears) are missing.
    """
    if poses.skeleton.name == target.name:
        return poses
    joints = [_joint(poses, name, target) for name in target.keypoints]
    stacked = np.stack(joints, 1) if joints else np.empty((len(poses), 0, 3), np.float32)
    return replace(
        poses, keypoints=stacked[..., :2].copy(), scores=stacked[..., 2].copy(), skeleton=target
    )


def _joint(poses: Poses, name: str, target: Skeleton) -> _Joint:
    if name in target.unlabelled:
        return _missing(poses)
    direct = _direct(poses, name)
    if direct is not None:
        return direct
    if name in ("thorax", "pelvis"):
        return _middle(poses, "shoulder" if name == "thorax" else "hip")
    if name in ("head_bottom", "neck"):
        return _along_head(poses, HEAD_BOTTOM_FACTOR)
    if name == "head_top":
        return _along_head(poses, HEAD_TOP_FACTOR)
    return _missing(poses)


def _missing(poses: Poses) -> _Joint:
    column = np.full((len(poses), 3), np.nan, np.float32)
    column[:, 2] = 0
    return column


def _direct(poses: Poses, name: str) -> _Joint | None:
    for candidate in (name, _ALIASES.get(name, name)):
        skeleton = poses.skeleton
        if candidate in skeleton.keypoints and candidate not in skeleton.unlabelled:
            row = skeleton.index(candidate)
            return np.column_stack([poses.keypoints[:, row], poses.scores[:, row]])
    return None


def _middle(poses: Poses, joint: str) -> _Joint:
    left, right = _direct(poses, f"left_{joint}"), _direct(poses, f"right_{joint}")
    if left is None or right is None:
        return _missing(poses)
    return _combine(0.5 * (left + right), left, right)


def _along_head(poses: Poses, factor: float) -> _Joint:
    shoulders, head = _middle(poses, "shoulder"), _head(poses)
    return _combine(shoulders + np.float32(factor) * (head - shoulders), shoulders, head)


def _head(poses: Poses) -> _Joint:
    nose = _direct(poses, "nose")
    nose = _missing(poses) if nose is None else nose
    parts = [part for part in (_direct(poses, name) for name in _FACE) if part is not None]
    if not parts:
        return nose
    face = np.stack(parts)
    seen = np.isfinite(face[..., :1])
    count = seen.sum(0)
    mean = np.where(seen, face, 0).sum(0) / np.maximum(count, 1)
    mean[count[:, 0] == 0] = (np.nan, np.nan, 0)
    return np.where(np.isfinite(nose[:, :1]), nose, mean).astype(np.float32)


def _combine(position: _Joint, *inputs: _Joint) -> _Joint:
    """``position`` with the lowest score of its inputs; missing where an input is."""
    score = np.min([joint[:, 2] for joint in inputs], axis=0)
    result = np.column_stack([position[:, :2], score]).astype(np.float32)
    gone = ~np.isfinite(result[:, :2]).all(1)
    result[gone] = (np.nan, np.nan, 0)
    return result
