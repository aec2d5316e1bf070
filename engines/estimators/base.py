"""Top-down estimation: people of one or several frames, in batches of one crop size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.crops import CropPolicy, Crops, Size, cut
from steadypose.engines.runtimes import Engine
from steadypose.poses import Poses
from steadypose.skeletons import Skeleton

Image = NDArray[np.uint8]


class PoseNetwork(Protocol):
    """A network that finds the joints of one person in the middle of each crop.

    Attributes:
        engine: What runs it.
        skeleton: The joints it finds.
        fixed_size: The only crop size it takes, or None where multiples of 32 will do.
        padding: Factor by which boxes are enlarged, as in its training.
    """

    engine: Engine
    skeleton: Skeleton
    fixed_size: Size | None
    padding: float

    def infer(self, crops: Crops) -> NDArray[np.float32]:
        """``(N, K, 3)`` x, y in crop pixels and score in 0..1."""
        ...


class Estimator:
    """Estimates the poses of people from their boxes. May be called from several threads.

    Args:
        network: Finds the joints in a crop.
        policy: Which crop size a person gets.
        max_batch: No more crops than this go through the network at once.
    """

    def __init__(
        self,
        network: PoseNetwork,
        policy: CropPolicy | None = None,
        *,
        max_batch: int = 8,
    ) -> None:
        self.network = network
        wanted = policy or CropPolicy()
        sizes = wanted.sizes if network.fixed_size is None else (network.fixed_size,)
        self._padding = network.padding if wanted.padding is None else wanted.padding
        self.policy = replace(wanted, sizes=sizes, padding=self._padding)
        self._max_batch = max_batch

    @property
    def skeleton(self) -> Skeleton:
        """The joints that are estimated."""
        return self.network.skeleton

    def warm_up(self) -> None:
        """Run the largest batch there can be once, on black crops.

        A run time keeps the memory of its largest call: this takes it at the start, so that
        memory does not creep up as fuller frames come, and the first frame is not a slow one.
        """
        size = max(self.policy.sizes, key=lambda s: s[0] * s[1])
        black = np.zeros((8, 8, 3), np.uint8)
        boxes = np.tile([0.0, 0.0, size[1] / 2, size[0] / 2], (self._max_batch, 1))
        self.network.infer(cut([black] * self._max_batch, boxes, size, self._padding))

    def estimate(self, image: Image, boxes: NDArray[np.floating]) -> Poses:
        """Poses of the people in ``boxes`` ``(N, 4)`` x1 y1 x2 y2 of one frame, in that order."""
        return self.estimate_many([image], [boxes])[0]

    def estimate_many(
        self, images: Sequence[Image], boxes: Sequence[NDArray[np.floating]]
    ) -> list[Poses]:
        """Poses of the people of several frames; people of all of them share batches.

        Args:
            images: Frames ``(H, W, 3)`` uint8 BGR.
            boxes: For each frame ``(N_i, 4)`` x1 y1 x2 y2 in its pixels.

        Returns:
            For each frame its people in the order of ``boxes``; their ``box_scores`` are the mean
            joint score over all K joints.
        """
        counts = [len(b) for b in boxes]
        every = np.concatenate([np.asarray(b, np.float32).reshape(-1, 4) for b in boxes])
        owners = [image for image, n in zip(images, counts, strict=True) for _ in range(n)]
        joints = np.zeros((len(every), len(self.skeleton), 3), np.float32)
        chosen = self.policy.choose(every) if len(every) else np.zeros(0, np.intp)
        for i, size in enumerate(self.policy.sizes):
            rows = np.flatnonzero(chosen == i)
            for first in range(0, len(rows), self._max_batch):
                part = rows[first : first + self._max_batch]
                crops = cut([owners[r] for r in part], every[part], size, self._padding)
                found = self.network.infer(crops)
                joints[part, :, :2] = crops.to_frame(found[..., :2])
                joints[part, :, 2] = found[..., 2]
        ends = np.cumsum(counts)
        return [
            self._poses(joints[end - n : end], every[end - n : end])
            for n, end in zip(counts, ends, strict=True)
        ]

    def _poses(self, joints: NDArray[np.float32], boxes: NDArray[np.float32]) -> Poses:
        scores = np.clip(joints[..., 2], 0, 1)
        person = scores.mean(1)
        return Poses.create(joints[..., :2], scores, boxes, person, skeleton=self.skeleton)
