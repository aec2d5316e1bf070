"""``Poses``: the people of one frame as a struct of arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steadypose.errors import InputError
from steadypose.skeletons import COCO17, Skeleton

NO_TRACK = -1
"""Value of ``track_ids`` for a person who has no identity yet. Real ids start at 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """N people with K joints each, in pixels of the frame (x right, y down, corner at 0, 0).

    A missing joint is NaN in ``keypoints`` and 0 in ``scores``, never a coordinate of 0.

    Attributes:
        keypoints: ``(N, K, 2)`` float32, x and y in pixels.
        scores: ``(N, K)`` float32 joint scores in 0..1.
        boxes: ``(N, 4)`` float32, x1 y1 x2 y2 in pixels.
        box_scores: ``(N,)`` float32 person scores in 0..1.
        track_ids: ``(N,)`` int64; ``NO_TRACK`` where a person has no identity.
        skeleton: Names of the K joints.
    """

    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    box_scores: NDArray[np.float32]
    track_ids: NDArray[np.int64]
    skeleton: Skeleton = COCO17

    def __post_init__(self) -> None:
        n, k = len(self.boxes), len(self.skeleton)
        for name, array, shape in (
            ("keypoints", self.keypoints, (n, k, 2)),
            ("scores", self.scores, (n, k)),
            ("boxes", self.boxes, (n, 4)),
            ("box_scores", self.box_scores, (n,)),
            ("track_ids", self.track_ids, (n,)),
        ):
            if array.shape != shape:
                raise InputError(f"Poses.{name}: expected shape {shape}, got {array.shape}")

    @classmethod
    def create(
        cls,
        keypoints: ArrayLike,
        scores: ArrayLike | None = None,
        boxes: ArrayLike | None = None,
        box_scores: ArrayLike | None = None,
        track_ids: ArrayLike | None = None,
        skeleton: Skeleton = COCO17,
    ) -> Poses:
        """Build from plain arrays, of any pose model, and fill in what is not given.

        Args:
            keypoints: ``(N, K, 2)``, or ``(N, K, 3)`` with the score as third value.
            scores: ``(N, K)``; ones where not given. A joint that is not finite or whose score
                is not above 0 becomes a missing joint.
            boxes: ``(N, 4)`` x1 y1 x2 y2; else the tight boxes around the joints.
            box_scores: ``(N,)``; else the mean score of the joints present.
            track_ids: ``(N,)``; else ``NO_TRACK``.
            skeleton: Names of the joints.

        Raises:
            InputError: A shape does not fit the others or the skeleton.
        """
        points = np.asarray(keypoints, np.float32)
        if points.size == 0:
            points = points.reshape(0, len(skeleton), 2)
        if points.ndim != 3 or points.shape[1] != len(skeleton) or points.shape[2] not in (2, 3):
            raise InputError(
                f"keypoints: expected (N, {len(skeleton)}, 2) for {skeleton.name}, "
                f"got {points.shape}"
            )
        if scores is None:
            joint = points[..., 2] if points.shape[2] == 3 else np.ones(points.shape[:2])
        else:
            joint = np.asarray(scores).reshape(points.shape[:2])
        points = points[..., :2].copy()
        joint = np.nan_to_num(np.asarray(joint, np.float32), nan=0.0)
        missing = ~(np.isfinite(points).all(-1) & (joint > 0))
        points[missing], joint = np.nan, np.where(missing, 0, joint).astype(np.float32)
        n = len(points)
        if boxes is None:
            box = tight_boxes(points)
        else:
            box = np.asarray(boxes, np.float32).reshape(-1, 4)
        if box_scores is None:
            person = joint.sum(1) / np.maximum((~missing).sum(1), 1)
        else:
            person = np.asarray(box_scores)
        ids = np.full(n, NO_TRACK) if track_ids is None else np.asarray(track_ids)
        return cls(
            points,
            joint,
            box,
            np.asarray(person, np.float32).reshape(-1),
            np.asarray(ids, np.int64).reshape(-1),
            skeleton,
        )

    @classmethod
    def empty(cls, skeleton: Skeleton = COCO17) -> Poses:
        """No people."""
        return cls.create(np.empty((0, len(skeleton), 2), np.float32), skeleton=skeleton)

    @classmethod
    def concatenate(cls, parts: list[Poses], skeleton: Skeleton = COCO17) -> Poses:
        """All people of ``parts`` in order; their skeletons must be the same."""
        if not parts:
            return cls.empty(skeleton)
        if any(p.skeleton.name != parts[0].skeleton.name for p in parts):
            raise InputError("Poses.concatenate: the parts have different skeletons")
        return cls(
            np.concatenate([p.keypoints for p in parts]),
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.boxes for p in parts]),
            np.concatenate([p.box_scores for p in parts]),
            np.concatenate([p.track_ids for p in parts]),
            parts[0].skeleton,
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: slice | NDArray[np.bool_] | NDArray[np.intp] | list[int]) -> Poses:
        """The people picked by a slice, a mask or a list of rows."""
        picked = rows if isinstance(rows, slice) else np.asarray(rows)
        if isinstance(picked, np.ndarray) and picked.size == 0:
            picked = picked.astype(np.intp)
        return Poses(
            self.keypoints[picked],
            self.scores[picked],
            self.boxes[picked],
            self.box_scores[picked],
            self.track_ids[picked],
            self.skeleton,
        )

    @property
    def present(self) -> NDArray[np.bool_]:
        """``(N, K)`` True where a joint is not missing."""
        return np.isfinite(self.keypoints).all(-1) & (self.scores > 0)

    def with_track_ids(self, track_ids: ArrayLike) -> Poses:
        """The same people under other identities, ``(N,)``."""
        ids = np.asarray(track_ids, np.int64).reshape(-1)
        return Poses(self.keypoints, self.scores, self.boxes, self.box_scores, ids, self.skeleton)

    def drop_joints(self, below: float) -> Poses:
        """Turn joints whose score is below ``below`` into missing ones."""
        missing = self.scores < below
        points, scores = self.keypoints.copy(), self.scores.copy()
        points[missing], scores[missing] = np.nan, 0
        return replace(self, keypoints=points, scores=scores)


def tight_boxes(keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes ``(N, 4)`` x1 y1 x2 y2 around the joints present in ``(N, K, 2)``; zeros if none."""
    n = len(keypoints)
    present = np.isfinite(keypoints).all(-1, keepdims=True)
    low = np.where(present, keypoints, np.inf).min(1, initial=np.inf)
    high = np.where(present, keypoints, -np.inf).max(1, initial=-np.inf)
    boxes = np.concatenate([low, high], 1) if n else np.empty((0, 4))
    boxes = np.where(np.isfinite(boxes), boxes, 0)
    return boxes.astype(np.float32)
