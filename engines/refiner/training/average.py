"""The moving average of the weights, which is what is validated and kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of the model that follows it by an exponential moving average.

    Over the first steps the decay is less, ``(1 + n) / (10 + n)``, so that the weights of the
    start do not linger. Buffers are copied, not averaged.
    """

    def follow(mean: Sequence[Tensor], now: Sequence[Tensor], count: Tensor | int) -> None:
        seen = int(count)
        share = 1 - min(decay, (1 + seen) / (10 + seen))
        torch._foreach_lerp_(list(mean), list(now), share)

    with torch.no_grad():
        return AveragedModel(model, multi_avg_fn=torch.no_grad()(follow))
