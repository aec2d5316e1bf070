"""What the refiner is given besides the picture: an estimated pose and a prior."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.data.body import HEAD_TOP, NECK
from steadypose.engines.refiner.data.cache import TEACHER
from steadypose.engines.refiner.data.records import JOINTS
from steadypose.engines.refiner.data.scene import Scene
from steadypose.engines.refiner.error_scores import simulate_scores
from steadypose.engines.refiner.errors import synthesise
from steadypose.engines.refiner.priors import PriorMixture, simulate_prior
from steadypose.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class InputSettings:
    """Shares of the kinds of input poses, which sum to 1, and of the priors.

    Attributes:
        synthetic: The truth with synthetic errors.
        estimated: What a base estimator made of the person.
        none: No pose; always with a prior.
        head_ends: Probability that a synthetic pose has head top and neck, which the usual
            estimators do not find.
        beyond: Probability that a synthetic pose lacks a joint that lies beyond the crop.
        prior: Kinds of priors.
    """

    synthetic: float = 0.35
    estimated: float = 0.55
    none: float = 0.10
    head_ends: float = 0.2
    beyond: float = 0.7
    prior: PriorMixture = field(default_factory=PriorMixture)

    def __post_init__(self) -> None:
        shares = (self.synthetic, self.estimated, self.none)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise ConfigError(f"shares of input poses: expected a sum of 1, got {shares}")


def draw_pose(
    rng: np.random.Generator, settings: InputSettings, scene: Scene
) -> NDArray[np.float32]:
    """An input pose ``(19, 3)``; zeros where there is none. Advances the generator."""
    shares = np.cumsum([settings.none, settings.estimated, settings.synthetic])
    kind = int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))
    names = estimate_names(scene)
    if kind == 0:
        return np.zeros((JOINTS, 3), np.float32)
    if kind == 1 and names:
        return missing_to_zero(scene.estimates[names[int(rng.integers(len(names)))]])
    return _synthetic(rng, settings, scene)


def estimate_names(scene: Scene) -> list[str]:
    """Names of the base estimators' results, in order; the teacher's is none of them."""
    return sorted(name for name in scene.estimates if name != TEACHER)


def _synthetic(
    rng: np.random.Generator, settings: InputSettings, scene: Scene
) -> NDArray[np.float32]:
    wrong = synthesise(
        rng,
        scene.target,
        scene.known,
        scene.area,
        scene.others,
        scene.others_known,
        scene.base,
    )
    scores = simulate_scores(rng, wrong.kinds)
    if rng.random() >= settings.head_ends:
        scores[[HEAD_TOP, NECK]] = 0
    height, width = scene.image.shape[:2]
    beyond = ((wrong.keypoints < 0) | (wrong.keypoints > (width - 1, height - 1))).any(1)
    scores[beyond & (rng.random(JOINTS) < settings.beyond)] = 0
    return missing_to_zero(np.concatenate([wrong.keypoints, scores[:, None]], 1))


def missing_to_zero(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Joints ``(19, 3)`` with zeros for every joint that has no place or no score."""
    there = np.isfinite(joints).all(1) & (joints[:, 2] > 0)
    return np.where(there[:, None], joints, 0).astype(np.float32)


def draw_prior(
    rng: np.random.Generator,
    mixture: PriorMixture,
    scene: Scene,
    stranger: NDArray[np.float32],
) -> NDArray[np.float32]:
    """A prior ``(19, 3)`` for the person; zeros where there is none. Advances the generator."""
    prior = simulate_prior(
        rng,
        truth=scene.target,
        labelled=scene.known,
        area=scene.area,
        head_px=scene.head,
        others=scene.others,
        others_labelled=scene.others_known,
        base=scene.base,
        stranger=stranger,
        mixture=mixture,
    )
    return prior.joints
