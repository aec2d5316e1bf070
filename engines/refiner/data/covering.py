"""Things that come before the person in a crop: other people, blocks, smears."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.body import HEAD_TOP, NAMES, NECK
from steadypose.engines.refiner.data.records import Person
from steadypose.engines.refiner.data.scene import Scene
from steadypose.engines.refiner.data.views import View
from steadypose.errors import ConfigError
from steadypose.skeletons import COCO19

COVERED_WEIGHT = 0.3
"""Factor on the weight of a joint that something was put before."""

_ROW = {name: row for row, name in enumerate(NAMES)}
_LIMBS = COCO19.edge_indices
_TRUNK = [_ROW[n] for n in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
_FACE_ROWS = [*range(5), HEAD_TOP]
_LEAST_JOINTS = 8


@dataclass(frozen=True, kw_only=True)
class CoverSettings:
    """How often and how much of the person is covered.

    Attributes:
        paste: Probability that a person of another picture is pasted in.
        behind: Probability that a pasted person stands behind, not before.
        block: Probability of a block, a smear or a piece of the crop put somewhere else.
        most: No more than this share of the labelled joints may be covered by one thing.
    """

    paste: float = 0.35
    behind: float = 0.4
    block: float = 0.15
    most: float = 0.6

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ConfigError(f"{name}: expected 0..1, got {value}")


def can_be_pasted(person: Person) -> bool:
    """Whether enough of a person is labelled to cut them out along their limbs."""
    return int((person.weight > 0).sum()) >= _LEAST_JOINTS and bool(
        (person.weight > 0)[_TRUNK].all()
    )


def paste_view(
    rng: np.random.Generator, scene: Scene, guest: Person, size: tuple[int, int]
) -> View:
    """Where a guest goes: about as large as the person, beside or before them, maybe mirrored."""
    known = scene.target[scene.known]
    middle, spread = known.mean(0), np.ptp(known, axis=0).max()
    scale = guest.head_px / scene.head * float(np.exp(rng.normal(0, 0.2)))
    angle, way = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.6) * spread
    place = middle + way * np.array([np.cos(angle), 0.5 * np.sin(angle)])
    flipped = bool(rng.random() < 0.5)
    matrix = np.array([[-1.0 if flipped else 1.0, 0, 0], [0, 1.0, 0]]) / scale
    guest_middle = guest.keypoints[guest.weight > 0].mean(0)
    matrix[:, 2] = place - matrix[:, :2] @ guest_middle
    return View(matrix=matrix, flipped=flipped, scale=scale, size=size)


def paste_person(
    scene: Scene, guest: Person, image: NDArray[np.uint8], view: View, *, behind: bool, most: float
) -> Scene:
    """The scene with a guest cut out of ``image`` along their limbs, and their joints added.

    Joints of the person that the guest covers lose weight. A guest who would cover more than the
    share ``most`` of the joints stays away.
    """
    points = view.points(guest.keypoints)
    known = view.per_joint((guest.weight > 0).astype(np.float32)) > 0
    alpha = silhouette(points, known, guest.head_px / view.scale, view.size)
    if behind:
        # Only what is not the person can be covered.
        alpha *= 1 - silhouette(scene.target, scene.known, scene.head, view.size)
    covered = _covered(scene, alpha)
    if not (view.inside(points) & known).any() or _too_much(scene, covered, most):
        return scene
    return replace(
        scene,
        image=_blend(scene.image, view.cut(image), alpha),
        weight=np.where(covered, COVERED_WEIGHT * scene.weight, scene.weight).astype(np.float32),
        others=np.concatenate([scene.others, points[None]]),
        others_known=np.concatenate([scene.others_known, known[None]]),
    )


def silhouette(
    points: NDArray[np.float32], known: NDArray[np.bool_], head: float, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Soft mask ``(H, W)`` in 0..1 of a body: strokes along the limbs, the trunk, the head."""
    mask = np.zeros(size, np.uint8)
    at = np.clip(np.rint(points), -4000, 4000).astype(np.int32)
    thick = max(int(0.75 * head), 2)
    for a, b in _LIMBS:
        if known[a] and known[b]:
            cv2.line(mask, at[a].tolist(), at[b].tolist(), 255, thick)
    if known[_TRUNK].all():
        cv2.fillConvexPoly(mask, cv2.convexHull(at[_TRUNK]), 255)
    rows = [row for row in _FACE_ROWS if known[row]]
    if known[HEAD_TOP] and known[NECK]:
        rows = [HEAD_TOP, NECK]
    if rows:
        centre = np.rint(points[rows].mean(0)).clip(-4000, 4000).astype(int)
        cv2.circle(mask, centre.tolist(), max(int(0.6 * head), 2), 255, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.1 * head, 0.7))
    return np.asarray(soft, np.float32) / np.float32(255)


def put_block(rng: np.random.Generator, scene: Scene, most: float) -> Scene:
    """The scene with a block before it: plain, smeared, or a piece of the crop itself."""
    height, width = scene.image.shape[:2]
    sides = (rng.uniform(0.12, 0.45, 2) * (width, height)).astype(int)
    x, y = (rng.uniform(-0.1, 0.9, 2) * (width, height)).astype(int)
    left, top = max(int(x), 0), max(int(y), 0)
    right, bottom = min(int(x + sides[0]), width), min(int(y + sides[1]), height)
    if right - left < 4 or bottom - top < 4:
        return scene
    alpha = np.zeros((height, width), np.float32)
    alpha[top:bottom, left:right] = 1
    covered = _covered(scene, alpha)
    if _too_much(scene, covered, most):
        return scene
    image = scene.image.copy()
    part = image[top:bottom, left:right]
    kind = rng.random()
    if kind < 0.4:
        part[:] = rng.integers(0, 256, 3) if kind < 0.25 else 0
    elif kind < 0.7:
        part[:] = cv2.blur(part, (31, 31))
    else:
        fx, fy = (
            rng.integers(0, width - part.shape[1] + 1),
            rng.integers(0, height - part.shape[0] + 1),
        )
        part[:] = scene.image[fy : fy + part.shape[0], fx : fx + part.shape[1]]
    weight = np.where(covered, COVERED_WEIGHT * scene.weight, scene.weight).astype(np.float32)
    return replace(scene, image=image, weight=weight)


def _covered(scene: Scene, alpha: NDArray[np.float32]) -> NDArray[np.bool_]:
    """``(19,)`` which weighted joints lie where the mask is more than half."""
    rows = np.flatnonzero(scene.weight > 0)
    at = np.rint(scene.target[rows]).astype(int)
    covered = np.zeros(len(scene.weight), bool)
    covered[rows] = alpha[at[:, 1], at[:, 0]] > 0.5
    return covered


def _too_much(scene: Scene, covered: NDArray[np.bool_], most: float) -> bool:
    return bool(covered.sum() > most * (scene.weight > 0).sum())


def _blend(
    below: NDArray[np.uint8], above: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> NDArray[np.uint8]:
    return np.asarray(cv2.blendLinear(above, below, alpha, 1 - alpha), np.uint8)
