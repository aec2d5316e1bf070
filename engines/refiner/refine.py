"""``PoseRefiner``: corrects poses by looking at the picture, the poses and the priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.configs import RefinerConfig
from steadypose.engines.crops import CropPolicy, Crops, Size, cut
from steadypose.engines.pixels import Pixels, infer_pixels
from steadypose.engines.refiner.joining import join, settle
from steadypose.engines.runtimes import Engine
from steadypose.errors import ConfigError, InputError
from steadypose.poses import Poses
from steadypose.skeletons import COCO19

Image = NDArray[np.uint8]
Joints = NDArray[np.float32]
"""``(N, 19, 3)`` x, y and score or certainty; zeros where a joint is not known."""

PADDING = 1.15
"""Factor by which boxes are enlarged, as in training."""
JOINTS = len(COCO19)

GIVEN_WEIGHT, KEEP_BELOW = RefinerConfig.given_weight, RefinerConfig.keep_below


class PoseRefiner:
    """Refines the poses of people. May be called from several threads.

    ``refiner(image, poses, priors)`` is ``refiner.refine(image, poses, priors)``.

    Args:
        engine: Runs the network; see ``load_refiner``.
        policy: Which crop size a person gets; sizes must be multiples of 32.
        max_batch: No more crops than this go through the network at once.
        threshold: Joints whose probability is not above it are dropped. 0 keeps all, which is
            best for mAP; a higher one, which drops doubtful joints, is better for MOTA.
        flip: Also refine the mirrored crop: where both find a joint in the same place the mean
            counts, else the place that is surer; the probability is the mean of both in logits.
            Takes twice as long.
        given_weight: Weight of the place that a joint was given at, where the refiner has it near
            by: the mean of both is right more often than either. 0 takes the refiner's alone.
        keep_below: A joint that would be moved to another place, with a probability below this,
            stays where it was given, under that probability: where the refiner is so unsure, the
            estimator is right more often. 0 moves all.

    Raises:
        ConfigError: One of these is not in 0 to below 1.
    """

    skeleton = COCO19

    def __init__(
        self,
        engine: Engine,
        policy: CropPolicy | None = None,
        *,
        max_batch: int = 8,
        threshold: float = 0.0,
        flip: bool = False,
        given_weight: float = GIVEN_WEIGHT,
        keep_below: float = KEEP_BELOW,
    ) -> None:
        shares = {"threshold": threshold, "given_weight": given_weight, "keep_below": keep_below}
        for name, value in shares.items():
            if not 0 <= value < 1:
                raise ConfigError(f"refiner {name}: expected 0 to below 1, got {value:g}")
        wanted = policy or CropPolicy()
        self.engine = engine
        self.policy = replace(wanted, padding=wanted.padding or PADDING)
        self.threshold, self.flip = threshold, flip
        self.given_weight, self.keep_below = given_weight, keep_below
        self._padding = wanted.padding or PADDING
        self._max_batch = max_batch

    def __call__(
        self, image: Image, poses: Poses, priors: NDArray[np.floating] | None = None
    ) -> Poses:
        """See ``refine``."""
        return self.refine(image, poses, priors)

    def refine(
        self, image: Image, poses: Poses, priors: NDArray[np.floating] | None = None
    ) -> Poses:
        """Refine the people of one frame.

        Args:
            image: ``(H, W, 3)`` uint8 BGR.
            poses: N people of any skeleton; joints that COCO19 has too are used by their names.
                The crop is cut around ``boxes``, which should hold the whole person. A person
                without any joint is looked for by the prior alone.
            priors: ``(N, 19, 3)``, where a track expects the joints: x, y in pixels of the frame
                and certainty in 0..1 (``priors.prior_certainty``); 0 where it does not know. None
                for nobody expected.

        Returns:
            The same people, boxes and ids in COCO19, with the probability that it is right as
            each joint's score, and the mean of all 19 as ``box_scores``. A joint that was missing
            may have been found; one at or below the threshold is missing.

        Raises:
            InputError: A box has no area, or the priors have another shape.
        """
        return self.refine_many([image], [poses], [priors])[0]

    def refine_many(
        self,
        images: Sequence[Image],
        poses: Sequence[Poses],
        priors: Sequence[NDArray[np.floating] | None] | None = None,
    ) -> list[Poses]:
        """Refine the people of several frames; people of all of them share batches.

        Args:
            images: Frames ``(H, W, 3)`` uint8 BGR.
            poses: For each frame its people.
            priors: For each frame its priors; see ``refine``.

        Raises:
            InputError: A box has no area, or the priors have another shape.
        """
        if not poses:
            return []
        expected = priors or [None] * len(poses)
        owners = [image for image, p in zip(images, poses, strict=True) for _ in range(len(p))]
        boxes = _checked_boxes(np.concatenate([p.boxes for p in poses]))
        given = np.concatenate([_joints_of(p) for p in poses])
        known = np.concatenate([_prior_of(q, p) for p, q in zip(poses, expected, strict=True)])
        found = self._refine_all(owners, boxes, given, known)
        ends = np.cumsum([len(p) for p in poses])
        return [
            self._poses(p, found[end - len(p) : end]) for p, end in zip(poses, ends, strict=True)
        ]

    def warm_up(self) -> None:
        """Run the largest batch there can be once, on black crops; see ``Estimator.warm_up``."""
        size = max(self.policy.sizes, key=lambda s: s[0] * s[1])
        black = np.zeros((8, 8, 3), np.uint8)
        boxes = np.zeros((self._max_batch, 4), np.float32)
        boxes[:, 2:] = size[1] / 2, size[0] / 2
        nothing = np.zeros((self._max_batch, JOINTS, 3), np.float32)
        self._refine_batch([black] * self._max_batch, boxes, size, nothing, nothing)

    def _refine_all(
        self, owners: list[Image], boxes: NDArray[np.float32], poses: Joints, priors: Joints
    ) -> Joints:
        """Refined joints ``(N, 19, 3)`` in pixels of their frames, batch by batch."""
        found = np.zeros_like(poses)
        chosen = self.policy.choose(boxes) if len(boxes) else np.zeros(0, np.intp)
        for i, size in enumerate(self.policy.sizes):
            rows = np.flatnonzero(chosen == i)
            for first in range(0, len(rows), self._max_batch):
                part = rows[first : first + self._max_batch]
                images = [owners[r] for r in part]
                found[part] = self._refine_batch(
                    images, boxes[part], size, poses[part], priors[part]
                )
        return found

    def _refine_batch(
        self,
        images: list[Image],
        boxes: NDArray[np.float32],
        size: Size,
        poses: Joints,
        priors: Joints,
    ) -> Joints:
        crops = cut(images, boxes, size, self._padding)
        given = _into_crops(poses, crops)
        found = self._infer(crops.pixels, given, _into_crops(priors, crops))
        found = settle(
            given, found, size[0], given_weight=self.given_weight, keep_below=self.keep_below
        )
        return np.concatenate([crops.to_frame(found[..., :2]), found[..., 2:]], 2)

    def _infer(self, pixels: Pixels, poses: Joints, priors: Joints) -> Joints:
        """Refined joints in crop pixels."""
        found = self._run(pixels, poses, priors)
        if not self.flip:
            return found
        height, width = pixels.source.shape[1:3]
        mirrored = self._run(pixels.mirrored(), _mirror(poses, width), _mirror(priors, width))
        return join(found, _mirror(mirrored, width), height)

    def _run(self, pixels: Pixels, poses: Joints, priors: Joints) -> Joints:
        found = infer_pixels(self.engine, "image", pixels, {"pose": poses, "prior": priors})
        return np.asarray(found["keypoints"], np.float32)

    def _poses(self, given: Poses, found: Joints) -> Poses:
        scores = np.clip(found[..., 2], 0, 1)
        dropped = scores <= self.threshold
        return Poses(
            np.where(dropped[..., None], np.float32(np.nan), found[..., :2]),
            np.where(dropped, np.float32(0), scores),
            given.boxes,
            scores.mean(1),
            given.track_ids,
            COCO19,
        )


def in_coco19(poses: Poses) -> Poses:
    """The same people in COCO19, as a refiner reads them.

    Joints are copied by their names (``head_bottom`` is COCO19's ``neck``); unlike in
    ``steadypose.mapping`` none is guessed from others: what the estimator did not find is missing.
    """
    points = np.full((len(poses), JOINTS, 2), np.nan, np.float32)
    scores = np.zeros((len(poses), JOINTS), np.float32)
    for row, name in enumerate(poses.skeleton.keypoints):
        name = "neck" if name == "head_bottom" else name
        if name in COCO19.keypoints:
            points[:, COCO19.index(name)] = poses.keypoints[:, row]
            scores[:, COCO19.index(name)] = poses.scores[:, row]
    return replace(poses, keypoints=points, scores=scores, skeleton=COCO19)


def _joints_of(poses: Poses) -> Joints:
    same = in_coco19(poses)
    joints = np.concatenate([same.keypoints, same.scores[..., None]], 2)
    return np.where(same.present[..., None], joints, np.float32(0))


def _prior_of(prior: NDArray[np.floating] | None, poses: Poses) -> Joints:
    shape = (len(poses), JOINTS, 3)
    if prior is None:
        return np.zeros(shape, np.float32)
    if prior.shape != shape:
        raise InputError(f"priors: expected shape {shape}, got {prior.shape}")
    known = np.isfinite(prior).all(2, keepdims=True) & (prior[..., 2:] > 0)
    return np.where(known, prior, 0).astype(np.float32)


def _checked_boxes(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    usable = np.isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1)
    if not usable.all():
        row = int(np.flatnonzero(~usable)[0])
        raise InputError(
            f"poses.boxes: person {row} has the box {boxes[row].tolist()}; "
            "give x1 y1 x2 y2 with an area above 0"
        )
    return boxes


def _into_crops(joints: Joints, crops: Crops) -> Joints:
    known = joints[..., 2:] > 0
    moved = np.concatenate([crops.from_frame(joints[..., :2]), joints[..., 2:]], 2)
    return np.where(known, moved, np.float32(0))


def _mirror(joints: Joints, width: int) -> Joints:
    """Joints of a mirrored crop: left and right trade names, pixel x is pixel width - 1 - x."""
    mirrored = joints[:, COCO19.flip_indices].copy()
    known = mirrored[..., 2] > 0
    mirrored[..., 0] = np.where(known, width - 1 - mirrored[..., 0], 0)
    return mirrored
