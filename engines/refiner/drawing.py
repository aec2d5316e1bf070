"""Poses drawn as maps, inside the graph, in float32.

A joint is a Gaussian as high as its score. It is a column times a row, which spares most of the
work where maps are only summed with weights.
"""

from __future__ import annotations

import torch
from torch import Tensor


def profiles(
    pose: Tensor, height: int, width: int, stride: int, sigma: float
) -> tuple[Tensor, Tensor]:
    """Each joint's Gaussian as a column and a row.

    Args:
        pose: ``(N, K, 3)`` float32 x, y in crop pixels and score; a score of 0 draws nothing.
        height: Rows of the map.
        width: Columns of the map.
        stride: Crop pixels a cell; cell i stands at i * stride.
        sigma: Standard deviation in crop pixels.

    Returns:
        ``(N, K, height)``, times the score, and ``(N, K, width)``, both float32.
    """
    x, y, score = pose.unbind(-1)
    x, y = (torch.where(score > 0, v, torch.zeros_like(v)) for v in (x, y))
    columns = torch.arange(width, device=pose.device, dtype=torch.float32) * stride
    rows = torch.arange(height, device=pose.device, dtype=torch.float32) * stride
    across = torch.exp(-0.5 * ((columns - x[..., None]) / sigma) ** 2)
    down = torch.exp(-0.5 * ((rows - y[..., None]) / sigma) ** 2) * score[..., None]
    return down, across


def draw(pose: Tensor, height: int, width: int, stride: int, sigma: float) -> Tensor:
    """The maps ``(N, K, height, width)``; arguments as of ``profiles``."""
    down, across = profiles(pose, height, width, stride, sigma)
    return down[..., :, None] * across[..., None, :]


def draw_mixed(
    pose: Tensor, weight: Tensor, height: int, width: int, stride: int, sigma: float
) -> Tensor:
    """Weighted sums of the maps, which are never made themselves.

    Args:
        pose: ``(N, K, 3)``, as of ``profiles``.
        weight: ``(C, K)``.
        height: Rows of the map.
        width: Columns of the map.
        stride: Crop pixels a cell.
        sigma: Standard deviation in crop pixels.

    Returns:
        ``(N, C, height, width)``: what a 1x1 convolution with ``weight`` makes of the maps.
    """
    down, across = profiles(pose, height, width, stride, sigma)
    columns = weight[:, None, :] * down.transpose(1, 2)[:, None]  # N, C, height, K
    return columns @ across[:, None]
