"""AdamW with its groups: pretrained or new, decayed or not."""

from __future__ import annotations

import torch

from steadypose.engines.refiner.network import Refiner
from steadypose.engines.refiner.training.recipe import OptimiserRecipe
from steadypose.engines.refiner.training.schedule import rate_factor


def make_optimiser(model: Refiner, recipe: OptimiserRecipe) -> torch.optim.AdamW:
    """Four groups; each carries its ``peak`` learning rate."""
    old = {id(parameter) for parameter in model.pretrained()}
    groups = []
    for pretrained, peak in ((True, recipe.backbone_rate), (False, recipe.rate)):
        for decayed in (True, False):
            chosen = [
                p
                for p in model.parameters()
                if (id(p) in old) == pretrained and (p.ndim > 1) == decayed
            ]
            decay = recipe.weight_decay if decayed else 0.0
            groups.append({"params": chosen, "peak": peak, "lr": peak, "weight_decay": decay})
    return torch.optim.AdamW(groups)


def set_rates(
    optimiser: torch.optim.Optimizer, step: int, steps: int, recipe: OptimiserRecipe
) -> None:
    """Give every group its learning rate of this step."""
    factor = rate_factor(step, steps, recipe)
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * factor
