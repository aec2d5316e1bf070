"""Skeletons as data: joint names, limbs, left/right pairs and OKS sigmas.

Sources of the sigmas (the per-joint spread ``k_i / 2`` of the COCO keypoint metric):

* COCO-17: the COCO keypoint evaluation (cocodataset.org/#keypoints-eval).
* PoseTrack: nose, ears and the limbs are COCO's; ``head_bottom`` and ``head_top`` have no
  published value and take COCO's shoulder value 0.079, as OKS-NMS on PoseTrack customarily does.
* LSP, MPII: limbs from COCO; ``neck``, ``thorax``, ``head_top`` as for PoseTrack; ``pelvis`` takes
  COCO's hip value 0.107.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from steadypose.errors import InputError

_SIGMA = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
    "head_bottom": 0.079,
    "head_top": 0.079,
    "neck": 0.079,
    "thorax": 0.079,
    "pelvis": 0.107,
}


@dataclass(frozen=True)
class Skeleton:
    """Names and structure of the K joints of a pose.

    Attributes:
        name: Short name used on the command line, e.g. ``"coco17"``.
        keypoints: K joint names in array order.
        edges: Pairs of joint names to draw as limbs.
        unlabelled: Joints that the data set lists but never annotates (PoseTrack's ears);
            always missing in its files.
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    unlabelled: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        known = set(self.keypoints)
        if len(known) != len(self.keypoints):
            raise InputError(f"skeleton {self.name}: a joint name occurs twice")
        for a, b in self.edges:
            if a not in known or b not in known:
                raise InputError(f"skeleton {self.name}: edge {a}-{b} names an unknown joint")

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, joint: str) -> int:
        """Row of a joint in the arrays. Raises InputError for a joint it does not have."""
        try:
            return self.keypoints.index(joint)
        except ValueError:
            raise InputError(
                f"skeleton {self.name} has no joint '{joint}'; it has {', '.join(self.keypoints)}"
            ) from None

    @cached_property
    def edge_indices(self) -> tuple[tuple[int, int], ...]:
        """The limbs as pairs of rows."""
        return tuple((self.index(a), self.index(b)) for a, b in self.edges)

    @cached_property
    def flip_pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of rows (left, right) that trade places when a picture is mirrored."""
        return tuple(
            (i, self.index("right_" + joint.removeprefix("left_")))
            for i, joint in enumerate(self.keypoints)
            if joint.startswith("left_")
        )

    @cached_property
    def flip_indices(self) -> NDArray[np.intp]:
        """``(K,)`` permutation: ``keypoints[flip_indices]`` renames a mirrored pose."""
        order = np.arange(len(self.keypoints))
        for left, right in self.flip_pairs:
            order[left], order[right] = right, left
        order.flags.writeable = False
        return order

    @cached_property
    def sigmas(self) -> NDArray[np.float64]:
        """``(K,)`` float64 OKS sigmas, unitless; sources in the module's docstring."""
        values = np.array(
            [_SIGMA[j.removeprefix("left_").removeprefix("right_")] for j in self.keypoints]
        )
        values.flags.writeable = False
        return values


_SIDES = ("left", "right")


def _limbs(chains: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"{side}_{a}", f"{side}_{b}")
        for side in _SIDES
        for chain in chains
        for a, b in pairwise(chain)
    )


_ARMS_LEGS = _limbs((("shoulder", "elbow", "wrist"), ("shoulder", "hip", "knee", "ankle")))
_GIRDLES = (("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"))
_BODY_LR = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in _SIDES
)

COCO17 = Skeleton(
    "coco17",
    ("nose", "left_eye", "right_eye", "left_ear", "right_ear", *_BODY_LR),
    (
        *_ARMS_LEGS,
        *_GIRDLES,
        ("nose", "left_eye"),
        ("nose", "right_eye"),
        ("left_eye", "left_ear"),
        ("right_eye", "right_ear"),
    ),
)
"""COCO keypoints (2014 onwards), 17 joints."""

COCO19 = Skeleton(
    "coco19",
    (*COCO17.keypoints, "head_top", "neck"),
    (
        *COCO17.edges,
        ("head_top", "neck"),
        ("neck", "left_shoulder"),
        ("neck", "right_shoulder"),
    ),
)
"""COCO's joints in their order, then head top and neck: what the refiner finds."""

_POSETRACK_EDGES = (
    *_ARMS_LEGS,
    *_GIRDLES,
    ("head_top", "nose"),
    ("nose", "head_bottom"),
    ("head_bottom", "left_shoulder"),
    ("head_bottom", "right_shoulder"),
)

POSETRACK17 = Skeleton(
    "posetrack17",
    ("nose", "head_bottom", "head_top", "left_ear", "right_ear", *_BODY_LR),
    _POSETRACK_EDGES,
    frozenset({"left_ear", "right_ear"}),
)
"""PoseTrack 2018 / PoseTrack21 JSON: 17 names, of which the ears are placeholders."""

POSETRACK15 = Skeleton(
    "posetrack15",
    (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "head_bottom",
        "nose",
        "head_top",
    ),
    _POSETRACK_EDGES,
)
"""PoseTrack 2017: the 15 joints that are evaluated, in the order of its joint ids."""

LSP14 = Skeleton(
    "lsp14",
    (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "neck",
        "head_top",
    ),
    (
        *_ARMS_LEGS,
        *_GIRDLES,
        ("head_top", "neck"),
        ("neck", "left_shoulder"),
        ("neck", "right_shoulder"),
    ),
)
"""Leeds Sports Pose and its extended set, 14 joints, person-centric left and right."""

MPII16 = Skeleton(
    "mpii16",
    (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "pelvis",
        "thorax",
        "neck",
        "head_top",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ),
    (
        *_ARMS_LEGS,
        *_GIRDLES,
        ("head_top", "neck"),
        ("neck", "thorax"),
        ("thorax", "pelvis"),
        ("thorax", "left_shoulder"),
        ("thorax", "right_shoulder"),
    ),
)
"""MPII Human Pose, 16 joints in the order of its joint ids; ``neck`` is its "upper neck"."""

SKELETONS: dict[str, Skeleton] = {
    s.name: s for s in (COCO17, COCO19, POSETRACK15, POSETRACK17, LSP14, MPII16)
}


def get_skeleton(name: str) -> Skeleton:
    """Look a skeleton up by its name. Raises InputError that lists the names there are."""
    if name not in SKELETONS:
        raise InputError(f"unknown skeleton '{name}'; choose one of {', '.join(SKELETONS)}")
    return SKELETONS[name]
