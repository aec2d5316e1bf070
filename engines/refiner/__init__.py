"""PoseRefiner: a network that corrects a pose by looking at the picture, the pose and the prior.

After "Learning to Refine Human Pose Estimation" (Fieraru et al., arXiv 1804.07909), with the
track's prediction as a third input. Training needs torch (``pip install steadypose[train]``);
running a trained refiner does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steadypose.engines.refiner.load import REFINERS, load_refiner
    from steadypose.engines.refiner.refine import PoseRefiner

__all__ = ["REFINERS", "PoseRefiner", "load_refiner"]


def __getattr__(name: str) -> Any:
    # Only who runs a refiner pays for what runs it; training needs none of it.
    if name == "PoseRefiner":
        from steadypose.engines.refiner.refine import PoseRefiner

        return PoseRefiner
    if name not in __all__:
        raise AttributeError(f"module 'steadypose.engines.refiner' has no attribute '{name}'")
    from steadypose.engines.refiner import load

    return getattr(load, name)
