"""Small batches with something to learn, from nothing but a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steadypose.engines.refiner.data.records import Batch

JOINTS = 19


@dataclass(frozen=True)
class Spots:
    """Batch n: every joint is a grey spot somewhere near the pose that goes in.

    Attributes:
        seed: Of all batches.
        size: People a batch, of which the first is nobody.
        side: Height and width of the crops.
    """

    seed: int = 0
    size: int = 3
    side: int = 64

    def __call__(self, number: int) -> Batch:
        rng = np.random.default_rng((self.seed, number))
        target = rng.uniform(8, self.side - 8, (self.size, JOINTS, 2)).astype(np.float32)
        image = rng.integers(0, 60, (self.size, self.side, self.side, 3), dtype=np.uint8)
        for picture, points in zip(image, target.round().astype(int), strict=True):
            for x, y in points:
                picture[y - 2 : y + 3, x - 2 : x + 3] = 200
        pose = np.ones((self.size, JOINTS, 3), np.float32)
        pose[..., :2] = target + rng.normal(0, 4, target.shape)
        pose[:, ::5] = 0
        weight = (rng.random((self.size, JOINTS)) < 0.9).astype(np.float32)
        present = np.arange(self.size) > 0
        return Batch(
            image=image,
            pose=pose,
            prior=np.zeros_like(pose),
            target=target,
            weight=weight,
            present=present,
            unit=np.full(self.size, 8, np.float32),
            labelled=weight > 0,
            area=np.full(self.size, 1500, np.float32),
        )
