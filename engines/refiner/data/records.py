"""What training pictures, the people in them and batches made of them look like in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError
from steadypose.skeletons import COCO19

JOINTS = len(COCO19)
"""Joints of the refiner's skeleton, 19: COCO's 17, head_top, neck."""

Split = Literal["train", "val", "test"]
Source = Literal["coco", "lspet", "mpii", "posetrack"]

RIGHT_WITHIN = 0.5
"""A joint is right within this many head lengths of the truth (PCKh 0.5)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """A labelled person of a picture. All coordinates are pixels of the picture.

    Attributes:
        keypoints: ``(19, 2)`` float32 x, y; anything finite where ``weight`` is 0.
        weight: ``(19,)`` float32, how much the label counts in training; 0 where there is none.
        box: ``(4,)`` float32 x1 y1 x2 y2.
        area: What OKS divides by, px^2.
        head_px: Length that PCKh measures in; each loader says where it takes it from.
        estimates: Results of base estimators by name, ``(19, 3)`` float32 x, y, score 0..1;
            score 0 where the estimator has no such joint.
        labelled: ``(19,)`` bool, True where the data set itself has a label; a label that is only
            a teacher's has a weight but is not counted in a test.
    """

    keypoints: NDArray[np.float32]
    weight: NDArray[np.float32]
    box: NDArray[np.float32]
    area: float
    head_px: float
    labelled: NDArray[np.bool_]
    estimates: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shapes = {"keypoints": (JOINTS, 2), "weight": (JOINTS,), "labelled": (JOINTS,), "box": (4,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise InputError(
                    f"Person.{name}: expected shape {shape}, got {getattr(self, name).shape}"
                )
        if not np.isfinite(self.keypoints).all():
            raise InputError("Person.keypoints: expected finite numbers")
        if self.head_px <= 0:
            raise InputError(f"Person.head_px: expected above 0, got {self.head_px}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture file and the labelled people in it.

    Attributes:
        path: The picture file.
        key: Name that is unique in its data set and the same on every machine.
        persons: Every labelled person in it.
        source: Data set.
        group: Near-duplicates and frames of one video share a group; groups are never split.
        split: Part of the data it belongs to.
    """

    path: Path
    key: str
    persons: tuple[Person, ...]
    source: Source
    group: str
    split: Split = "train"


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """N training or validation samples. Coordinates are crop pixels, x right, y down.

    Attributes:
        image: ``(N, H, W, 3)`` uint8 BGR.
        pose: ``(N, 19, 3)`` float32 x, y, score 0..1; score 0 where a joint is missing.
        prior: ``(N, 19, 3)`` float32 x, y, certainty 0..1; zeros where there is no prior.
        target: ``(N, 19, 2)`` float32 where the joints are.
        weight: ``(N, 19)`` float32 >= 0; 0 where there is no label or it lies outside the crop.
        present: ``(N,)`` bool; False where nobody is there.
        unit: ``(N,)`` float32 PCKh head length; a joint is right within half of it.
        labelled: ``(N, 19)`` bool, True where the label is the data set's own and inside the crop.
        area: ``(N,)`` float32 the person's area in crop px^2, as OKS wants it.
    """

    image: NDArray[np.uint8]
    pose: NDArray[np.float32]
    prior: NDArray[np.float32]
    target: NDArray[np.float32]
    weight: NDArray[np.float32]
    present: NDArray[np.bool_]
    unit: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    area: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.image)
