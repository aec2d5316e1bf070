"""What the refiner is trained for."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from steadypose.engines.refiner.data.records import RIGHT_WITHIN
from steadypose.engines.refiner.network import STRIDE, Decoded, Maps

_TARGET_SIGMA_CELLS = 0.8
_VOTE_CELLS = 2.5
_HEAT, _OFFSET, PLACE, _SURE = 1.0, 0.5, 0.5, 0.5
_ABSENT_WEIGHT = 0.3
_KEEP = 2.0
"""Weight of a joint that was right in the input pose: making it wrong is the worse mistake."""
_CAPPED_CELLS = 4.0


class Truth(NamedTuple):
    """Labels of a batch; shapes as of ``data.records.Batch``.

    Attributes:
        target: ``(N, K, 2)`` float32 in crop pixels.
        weight: ``(N, K)`` float32; 0 where there is no label.
        present: ``(N,)`` bool; False where nobody is there.
        unit: ``(N,)`` float32 head length in crop pixels.
    """

    target: Tensor
    weight: Tensor
    present: Tensor
    unit: Tensor


def refiner_loss(
    maps: Maps, decoded: Decoded, truth: Truth, pose: Tensor | None = None
) -> dict[str, Tensor]:
    """Losses by name, ``total`` among them, each a scalar.

    Args:
        maps: What the heads say.
        decoded: The joints read from them.
        truth: Labels.
        pose: ``(N, K, 3)`` the input pose; its right joints count twice in ``heat`` and ``place``.

    ``heat``: cross-entropy of the spatial softmax with a narrow Gaussian on the true place (coarse
    in, fine out: PoseFix, arXiv 1812.03595). ``offset``: the cells around the truth point at it.
    ``place``: L1 of the decoded joint, in cells, capped. ``sure``: binary cross-entropy of the
    joint's probability with whether it came out right.
    """
    weight = truth.weight * truth.present[:, None]
    total = weight.sum().clamp_min(1.0)
    kept = weight
    if pose is not None:
        given = is_right(pose[..., :2], truth) & (pose[..., 2] > 0)
        kept = torch.where(given, _KEEP * weight, weight)
    kept_total = kept.sum().clamp_min(1.0)
    height, width = maps.heat.shape[-2:]
    cells = truth.target / STRIDE
    across = torch.arange(width, device=cells.device, dtype=torch.float32) - cells[..., :1]
    down = torch.arange(height, device=cells.device, dtype=torch.float32) - cells[..., 1:]
    heat = _heat_loss(maps.heat, across, down)
    offset = _offset_loss(maps.offset, across, down)
    place = capped_cells(decoded.xy, truth.target)
    losses = {
        "heat": (kept * heat).sum() / kept_total,
        "offset": (weight * offset).sum() / total,
        "place": (kept * place).sum() / kept_total,
        "sure": _sure_loss(decoded, truth),
    }
    losses["total"] = (
        _HEAT * losses["heat"]
        + _OFFSET * losses["offset"]
        + PLACE * losses["place"]
        + _SURE * losses["sure"]
    )
    return losses


def capped_cells(one: Tensor, other: Tensor) -> Tensor:
    """``(N, K)`` L1 between joints ``(N, K, 2)`` in pixels, in cells and capped."""
    return ((one - other).abs().sum(-1) / STRIDE).clamp_max(_CAPPED_CELLS)


def is_right(xy: Tensor, truth: Truth) -> Tensor:
    """``(N, K)`` bool: within ``RIGHT_WITHIN`` head lengths of the truth, and somebody there."""
    distance = torch.linalg.vector_norm(xy - truth.target, dim=-1)
    right: Tensor = (distance <= RIGHT_WITHIN * truth.unit[:, None]) & truth.present[:, None]
    return right


def _heat_loss(heat: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """``(N, K)`` cross-entropy in nats; ``across`` and ``down`` are distances in cells."""
    spread = -0.5 / _TARGET_SIGMA_CELLS**2
    column = functional.softmax(spread * across**2, -1)
    row = functional.softmax(spread * down**2, -1)
    logits = functional.log_softmax(heat.flatten(2), -1).reshape(heat.shape)
    agreement: Tensor = torch.einsum("nkhw,nkh,nkw->nk", logits, row, column)
    return -agreement


def _offset_loss(offset: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """``(N, K)`` mean L1, in cells, over the cells near the truth."""
    near = (across.abs() <= _VOTE_CELLS)[..., None, :] & (down.abs() <= _VOTE_CELLS)[..., None]
    wrong = (offset[:, 0] + across[..., None, :]).abs() + (offset[:, 1] + down[..., None]).abs()
    cells = near.sum((-2, -1)).clamp_min(1)
    mean: Tensor = torch.where(near, wrong, torch.zeros_like(wrong)).sum((-2, -1)) / cells
    return mean


def _sure_loss(decoded: Decoded, truth: Truth) -> Tensor:
    right = is_right(decoded.xy.detach(), truth).float()
    absent = ~truth.present[:, None] & torch.ones_like(truth.weight, dtype=torch.bool)
    weight = torch.where(absent, torch.full_like(truth.weight, _ABSENT_WEIGHT), truth.weight)
    each = functional.binary_cross_entropy_with_logits(decoded.logit, right, reduction="none")
    return (weight * each).sum() / weight.sum().clamp_min(1.0)
