"""A second look at every sample, moved and perhaps mirrored, which must come to the same pose.

A person seen a few pixels further, or in a mirror, is the same person: where the two looks differ,
at least one is wrong. Such pairs need no labels (consistency training: Sajjadi et al., NeurIPS
2016). They are made of the batch where it lies, at no cost to the processes that make batches.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from steadypose.engines.refiner.losses import PLACE, capped_cells
from steadypose.engines.refiner.network import STRIDE, Decoded, Maps
from steadypose.skeletons import COCO19


class Move(NamedTuple):
    """From the first look to the second: mirrored first, then moved by whole cells.

    Attributes:
        mirrored: Left and right trade places.
        right: Cells of ``STRIDE`` px to the right.
        down: Cells down.
    """

    mirrored: bool
    right: int
    down: int

    def points(self, xy: Tensor, width: int) -> Tensor:
        """Joints ``(N, K, 2)`` in pixels of a crop of this width, as the second look has them."""
        x, y = xy[..., 0] + STRIDE * self.right, xy[..., 1] + STRIDE * self.down
        if self.mirrored:
            # A cell's mirror image must be a cell again: the axis is that of the cells.
            x = width - STRIDE - xy[..., 0] + STRIDE * self.right
        return self.per_joint(torch.stack((x, y), -1), 1)

    def per_joint(self, values: Tensor, axis: int) -> Tensor:
        """Values along an axis of 19 joints, in the order in which ``points`` gives them."""
        if not self.mirrored:
            return values
        return values.index_select(axis, _mirrored_order(values.device))


@functools.cache
def _mirrored_order(device: torch.device) -> Tensor:
    """Rows of the joints' mirror images, copied to a device but once."""
    return torch.tensor(COCO19.flip_indices, device=device)


def draw_move() -> Move:
    """A random move of at most a cell; advances torch's generator."""
    mirrored, right, down = torch.randint(0, 6, (3,)).tolist()
    return Move(mirrored < 3, right % 3 - 1, down % 3 - 1)


def with_second_looks(batch: dict[str, Tensor], move: Move, noise_px: float) -> dict[str, Tensor]:
    """The batch followed by its second looks, with all fields of ``Batch`` twice as long.

    Args:
        batch: The arrays of a batch by their names.
        move: From the first looks to the second.
        noise_px: Standard deviation of what is added to every joint of the second input pose, as
            an estimator would give another one for another crop. Advances torch's generator.
    """
    height, width = batch["image"].shape[1:3]
    second = dict(batch)
    second["image"] = _moved_image(batch["image"], move)
    for name in ("pose", "prior"):
        given = batch[name]
        xy = move.points(given[..., :2], width)
        if name == "pose":
            xy = xy + noise_px * torch.randn_like(xy)
        score = move.per_joint(given[..., 2:], 1)
        second[name] = torch.where(score > 0, torch.cat((xy, score), -1), 0.0)
    second["target"] = move.points(batch["target"], width)
    limit = torch.tensor([width - 1, height - 1], device=second["target"].device)
    inside = ((second["target"] >= 0) & (second["target"] <= limit)).all(-1)
    for name in ("weight", "labelled"):
        second[name] = move.per_joint(batch[name], 1) * inside
    return {name: torch.cat((value, second[name])) for name, value in batch.items()}


def _moved_image(image: Tensor, move: Move) -> Tensor:
    """Images ``(N, H, W, 3)`` of the second looks; black where the first ones do not reach."""
    right = STRIDE * move.right
    if move.mirrored:
        image, right = image.flip(2), right - (STRIDE - 1)
    down = STRIDE * move.down
    # A negative padding cuts off.
    padding = (0, 0, right, -right, down, -down)
    return functional.pad(image, padding)


def disagreement(maps: Maps, decoded: Decoded, present: Tensor, move: Move) -> Tensor:
    """How far the two looks at each person are apart, a scalar >= 0.

    The Kullback-Leibler divergence in nats of each look's heat from the mean of both, which is
    held fixed, over the cells that both see, and half the L1 between the joints in cells, capped;
    the mean over all joints of those who are there.

    Args:
        maps: Of the first looks, then of the second.
        decoded: The joints read from them, likewise.
        present: ``(N,)`` bool, of the first looks.
        move: From the first to the second.
    """
    first, second = maps.heat.chunk(2)
    if move.mirrored:
        first = move.per_joint(first, 1).flip(3)
    first, second = _overlap(first, move, 1).flatten(2), _overlap(second, move, -1).flatten(2)
    logs = [functional.log_softmax(heat, -1) for heat in (first, second)]
    mean = (torch.logaddexp(logs[0], logs[1]) - math.log(2)).detach()
    apart = sum((mean.exp() * (mean - log)).sum(-1) for log in logs) / 2
    before, after = decoded.xy.chunk(2)
    width = STRIDE * maps.heat.shape[-1]
    each = apart + PLACE * capped_cells(move.points(before, width), after)
    there = present[:, None].to(each.dtype)
    mean_of_all: Tensor = (each * there).sum() / (there.sum() * each.shape[1]).clamp_min(1.0)
    return mean_of_all


def _overlap(heat: Tensor, move: Move, way: int) -> Tensor:
    """The cells of maps ``(N, K, h, w)`` that the other look has too.

    Args:
        heat: Of the first looks (``way`` 1) or of the second (-1).
        move: From the first to the second.
        way: To the other look.
    """
    down, right = way * move.down, way * move.right
    height, width = heat.shape[2:]
    rows = slice(max(-down, 0), height - max(down, 0))
    columns = slice(max(-right, 0), width - max(right, 0))
    return heat[:, :, rows, columns]
