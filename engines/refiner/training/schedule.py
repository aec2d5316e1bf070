"""The learning rate as a pure function of the share of the planned steps that is done."""

from __future__ import annotations

import math

from steadypose.engines.refiner.training.recipe import OptimiserRecipe


def rate_factor(step: int, steps: int, recipe: OptimiserRecipe) -> float:
    """Factor 0..1 on the peak learning rate for step ``step`` (0-based) of ``steps``.

    Linear warm-up, then half a cosine down to ``recipe.final`` (Loshchilov and Hutter 2017). It
    depends on nothing but its arguments, so a resumed run goes on exactly where it stopped.
    """
    warm = recipe.warm_up * steps
    if step < warm:
        return (step + 1) / (warm + 1)
    done = (step - warm) / max(steps - warm, 1)
    return recipe.final + (1 - recipe.final) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def is_frozen(step: int, steps: int, recipe: OptimiserRecipe) -> bool:
    """Whether the backbone keeps its weights in this step."""
    return step < recipe.frozen * steps
