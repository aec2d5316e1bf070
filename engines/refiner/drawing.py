"""Poses drawn as maps, inside the graph."""

from __future__ import annotations

import torch
from torch import Tensor


def draw(pose: Tensor, height: int, width: int, stride: int, sigma: float) -> Tensor:
    """Draw each joint as a Gaussian as high as its score.

    Args:
        pose: ``(N, K, 3)`` float32 x, y in crop pixels and score; a score of 0 draws nothing.
        height: Rows of the map.
        width: Columns of the map.
        stride: Crop pixels a cell; cell i stands at i * stride.
        sigma: Standard deviation in crop pixels.

    Returns:
        ``(N, K, height, width)`` float32.
    """
    x, y, score = pose.unbind(-1)
    x, y = (torch.where(score > 0, v, torch.zeros_like(v)) for v in (x, y))
    columns = torch.arange(width, device=pose.device, dtype=torch.float32) * stride
    rows = torch.arange(height, device=pose.device, dtype=torch.float32) * stride
    across = torch.exp(-0.5 * ((columns - x[..., None]) / sigma) ** 2)
    down = torch.exp(-0.5 * ((rows - y[..., None]) / sigma) ** 2) * score[..., None]
    return down[..., :, None] * across[..., None, :]
