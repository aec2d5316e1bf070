"""The refiner's network: picture, pose and prior in; refined joints and probabilities out.

The pose and the prior are drawn as Gaussians inside the graph. They enter three times: a stem of
their own is added to the image's where that is linear for the first time (the network of arXiv
1804.07909 adds them before the first norm; here norms are folded), a small mixer of wide filters at
stride 8 lets the head weigh what is seen against what was expected, and they are drawn once more
for the head at stride 4: every joint there may speak for or against the others, and adds to the
heat at its own place. All new weights that lead into the pretrained part start at zero: at first
the network is MoveNet that looks a little harder where the pose and the prior are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from steadypose.engines.refiner.backbone import (
    LIGHTNING,
    PYRAMID,
    THUNDER,
    Conv,
    Trunk,
    depthwise,
    double,
)
from steadypose.engines.refiner.drawing import draw, draw_mixed
from steadypose.skeletons import COCO19

Variant = Literal["fast", "accurate"]

STRIDE = 4
JOINTS = len(COCO19)
HIDDEN = 96
"""Channels of a head before its last convolution, as in MoveNet."""
_PIXEL_MEAN = 127.501945
_SIGMA_SHARE = 7 / 256
"""Standard deviation of a drawn joint as a share of the crop's height (PoseFix: 7 of 256 px)."""
_MIXER = {"fast": 96, "accurate": 160}
_TRUST = (2.0, 1.0)
"""What a joint of the pose and of the prior adds to the heat at its place, at first."""
_WINDOW = 4
_CORE = 2
"""Cells around the hottest one that may vote, and whose heat counts as the peak's."""
_KERNEL_CELLS = 1.5
_CLIMBS = 4


class Maps(NamedTuple):
    """What the heads say of every cell of stride 4.

    Attributes:
        heat: ``(N, K, h, w)`` logits: a softmax over the cells says where the joint is.
        offset: ``(N, 2, K, h, w)`` x and y in cells from the cell to the joint.
        sure: ``(N, K, h, w)`` logits: whether a joint found here is right.
    """

    heat: Tensor
    offset: Tensor
    sure: Tensor


class Decoded(NamedTuple):
    """Joints read from the maps.

    Attributes:
        xy: ``(N, K, 2)`` float32 in crop pixels.
        logit: ``(N, K)`` float32, of the joint being right, before calibration.
    """

    xy: Tensor
    logit: Tensor


class PoseMixer(nn.Module):
    """Wide filters at stride 8 over features, pose and prior."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.join = Conv(PYRAMID[1] + 2 * JOINTS, channels)
        self.blocks = nn.ModuleList(
            nn.Sequential(depthwise(channels, 7), Conv(channels, channels), nn.ReLU())
            for _ in range(2)
        )
        self.out = Conv(channels, out)

    def forward(self, features: Tensor, drawn: Tensor) -> Tensor:
        """``(N, out, H/8, W/8)`` from features and drawn maps of that stride."""
        x = functional.relu(self.join(torch.cat((features, drawn), 1)))
        for block in self.blocks:
            x = x + block(x)
        return functional.relu(self.out(x))


class Head(nn.Module):
    """MoveNet's head; with further inputs of ``extra`` channels, whose weights start at zero."""

    def __init__(self, out: int, extra: Sequence[int] = ()) -> None:
        super().__init__()
        self.filter = depthwise(PYRAMID[0])
        self.widen = Conv(PYRAMID[0], HIDDEN)
        self.widen_extra = nn.ModuleList(nn.Conv2d(n, HIDDEN, 1, bias=False) for n in extra)
        self.last = Conv(HIDDEN, out)
        for parameter in self.widen_extra.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor, *extra: Tensor) -> Tensor:
        """``(N, out, h, w)``."""
        wide = self.widen(self.filter(features))
        for conv, more in zip(self.widen_extra, extra, strict=True):
            wide = wide + conv(more)
        return self.last(functional.relu(wide))  # type: ignore[no-any-return]


class Refiner(nn.Module):
    """The PoseRefiner.

    Args:
        variant: ``fast`` has the trunk of MoveNet Lightning, ``accurate`` that of Thunder.
    """

    calibration_scale: Tensor
    calibration_bias: Tensor

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        shape = LIGHTNING if variant == "fast" else THUNDER
        mixed = _MIXER[variant] // 2
        self.trunk = Trunk(shape)
        self.pose_stem = nn.Parameter(torch.zeros(shape.stages[0][0], 2 * JOINTS))
        self.mixer = PoseMixer(_MIXER[variant], mixed)
        # Heat and sure share what they see; where in its cell a joint is, the picture says alone.
        self.heat = Head(2 * JOINTS, (mixed, 2 * JOINTS))
        self.offset = Head(2 * JOINTS)
        self.trust = nn.Parameter(torch.tensor(_TRUST)[:, None].repeat(1, JOINTS))
        self.sharpness = nn.Parameter(torch.full((JOINTS,), 1.5))
        self.mass_weight = nn.Parameter(torch.ones(JOINTS))
        self.register_buffer("calibration_scale", torch.ones(JOINTS))
        self.register_buffer("calibration_bias", torch.zeros(JOINTS))

    def forward(self, image: Tensor, pose: Tensor, prior: Tensor) -> Tensor:
        """Refine poses.

        Args:
            image: ``(N, H, W, 3)`` uint8 BGR; H and W are multiples of 32.
            pose: ``(N, K, 3)`` float32 x, y in crop pixels and score; score 0 where missing.
            prior: ``(N, K, 3)`` likewise, where the track expects the joints; zeros for none.

        Returns:
            ``(N, K, 3)`` float32: x, y in crop pixels, and the calibrated probability that the
            joint is within PCKh 0.5.
        """
        xy, logit = decode(self.maps(image, pose, prior), self.mass_weight)
        score = torch.sigmoid(logit * self.calibration_scale + self.calibration_bias)
        return torch.cat((xy, score[..., None]), -1)

    def maps(self, image: Tensor, pose: Tensor, prior: Tensor) -> Maps:
        """The heads' maps; arguments as of ``forward``."""
        both = torch.cat((pose, prior), 1)
        height, width = image.shape[1], image.shape[2]
        sigma = _SIGMA_SHARE * height
        planes = (image.permute(0, 3, 1, 2).float() - _PIXEL_MEAN).to(self.dtype)
        stem = draw_mixed(both, self.pose_stem, height // 2, width // 2, 2, sigma)
        fine, middle = self.trunk(planes, stem.to(self.dtype))
        at_4, at_8 = (draw(both, height // s, width // s, s, sigma) for s in (4, 8))
        mixed = double(self.mixer(middle, at_8.to(self.dtype)))
        heat, sure = self.heat(fine, mixed, at_4.to(self.dtype)).float().split(JOINTS, 1)
        heat = heat * self.sharpness[:, None, None]
        trust = self.trust[..., None, None]
        heat = heat + trust[0] * at_4[:, :JOINTS] + trust[1] * at_4[:, JOINTS:]
        offset = self.offset(fine).float()
        offset = offset.reshape(offset.shape[0], 2, JOINTS, *offset.shape[2:])
        return Maps(heat, offset, sure)

    @property
    def dtype(self) -> torch.dtype:
        """What the convolutions compute in."""
        return self.mixer.out.weight.dtype

    def pretrained(self) -> list[nn.Parameter]:
        """Parameters that start from MoveNet and should keep most of it.

        The offset's head starts from it too but has more to learn: MoveNet's points at the joint
        from the joint's own cell only.
        """
        head = (self.heat.filter, self.heat.widen, self.heat.last)
        return [p for m in (self.trunk, *head) for p in m.parameters()]


def decode(maps: Maps, mass_weight: Tensor) -> Decoded:
    """Read the joints from the maps, in float32.

    From the hottest cell of each joint, mean shift climbs to the middle of its peak; the cells
    around it then vote for the place with their offsets, each with its share of the heat. One
    cell's word would jump between neighbours that are equally hot, from picture to picture or with
    the last bit of a number.
    """
    count, joints, height, width = maps.heat.shape
    heat = maps.heat.reshape(count, joints, height * width)
    best = heat.argmax(-1, keepdim=True)
    row = torch.div(best, width, rounding_mode="floor")
    column = best - row * width
    step = torch.arange(-_WINDOW, _WINDOW + 1, device=heat.device)
    side = len(step)
    right, down = step.repeat(side), step[:, None].expand(side, side).reshape(-1)
    rows, columns = row + down, column + right
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    cells = rows * width + columns
    # The largest is taken off first: exp stays in range.
    peak = heat.gather(-1, best)
    near = torch.exp(heat.gather(-1, cells) - peak) * inside
    share = _climb(near, columns - column, rows - row)
    vote = maps.offset.reshape(count, 2, joints, height * width)
    x = (share * (vote[:, 0].gather(-1, cells) + columns)).sum(-1)
    y = (share * (vote[:, 1].gather(-1, cells) + rows)).sum(-1)
    core = (right.abs() <= _CORE) & (down.abs() <= _CORE)
    mass = torch.log((near * core).sum(-1) / torch.exp(heat - peak).sum(-1))
    sure = (share * maps.sure.reshape(heat.shape).gather(-1, cells)).sum(-1)
    return Decoded(torch.stack((x, y), -1) * STRIDE, sure + mass_weight * mass)


def _climb(near: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Each cell's share ``(N, K, cells)`` of the vote, by mean shift with a Gaussian kernel.

    Args:
        near: Heat of the cells around the hottest one, as ``exp``.
        right: How many cells each lies to the right of it.
        down: How many below.
    """
    x, y = torch.zeros_like(near[..., :1]), torch.zeros_like(near[..., :1])
    share = near
    for _ in range(_CLIMBS):
        kernel = torch.exp(-0.5 / _KERNEL_CELLS**2 * ((right - x) ** 2 + (down - y) ** 2))
        share = near * kernel
        share = share / share.sum(-1, keepdim=True)
        x, y = (share * right).sum(-1, keepdim=True), (share * down).sum(-1, keepdim=True)
    return share
