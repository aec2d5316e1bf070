"""The refiner's network: picture, pose and prior in; refined joints and probabilities out.

The pose and the prior are drawn as Gaussians inside the graph. They enter twice: a convolution of
their own is added to the image's first convolution before its activation (the network of arXiv
1804.07909 adds them before the first norm; here norms are folded), and a small mixer of wide
filters at stride 8 lets the heads weigh what is seen against what was expected. All new weights
that lead into the pretrained part start at zero: at first the network is MoveNet that looks a
little harder where the pose and the prior are.
"""

from __future__ import annotations

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
from steadypose.engines.refiner.drawing import draw
from steadypose.skeletons import COCO19

Variant = Literal["fast", "accurate"]

STRIDE = 4
JOINTS = len(COCO19)
HIDDEN = 96
"""Channels of a head before its last convolution, as in MoveNet."""
_PIXEL_MEAN = 127.501945
_SIGMA_SHARE = 7 / 256
"""Standard deviation of a drawn joint as a share of the crop's height (PoseFix: 7 of 256 px)."""
_MIXER = {"fast": 64, "accurate": 128}
_TRUST = (2.0, 1.0)
"""What a joint of the pose and of the prior adds to the heat at its place, at first."""
_WINDOW = 2


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
    """MoveNet's head with a second input."""

    def __init__(self, extra: int, out: int) -> None:
        super().__init__()
        self.filter = depthwise(PYRAMID[0])
        self.widen = Conv(PYRAMID[0], HIDDEN)
        self.widen_extra = nn.Conv2d(extra, HIDDEN, 1, bias=False)
        self.last = Conv(HIDDEN, out)
        nn.init.zeros_(self.widen_extra.weight)

    def forward(self, features: Tensor, extra: Tensor) -> Tensor:
        """``(N, out, h, w)``."""
        wide = self.widen(self.filter(features)) + self.widen_extra(extra)
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
        self.pose_stem = nn.Conv2d(2 * JOINTS, shape.stem, 1, bias=False)
        self.mixer = PoseMixer(_MIXER[variant], mixed)
        self.heat = Head(mixed + 2 * JOINTS, 2 * JOINTS)  # heat and sure share what they see
        self.offset = Head(mixed + 2 * JOINTS, 2 * JOINTS)
        self.trust = nn.Parameter(torch.tensor(_TRUST)[:, None].repeat(1, JOINTS))
        self.sharpness = nn.Parameter(torch.full((JOINTS,), 1.5))
        self.mass_weight = nn.Parameter(torch.ones(JOINTS))
        nn.init.zeros_(self.pose_stem.weight)
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
        at_2, at_4, at_8 = (
            draw(both, height // s, width // s, s, sigma).to(self.dtype) for s in (2, 4, 8)
        )
        planes = (image.permute(0, 3, 1, 2).float() - _PIXEL_MEAN).to(self.dtype)
        fine, middle = self.trunk(planes, self.pose_stem(at_2))
        mixed = double(self.mixer(middle, at_8))
        extra = torch.cat((mixed, at_4), 1)
        heat, sure = self.heat(fine, extra).float().split(JOINTS, 1)
        heat = heat * self.sharpness[:, None, None]
        trust = self.trust[..., None, None]
        heat = heat + trust[0] * at_4[:, :JOINTS] + trust[1] * at_4[:, JOINTS:]
        offset = self.offset(fine, extra).float()
        offset = offset.reshape(offset.shape[0], 2, JOINTS, *offset.shape[2:])
        return Maps(heat, offset, sure)

    @property
    def dtype(self) -> torch.dtype:
        """What the convolutions compute in."""
        return self.pose_stem.weight.dtype

    def pretrained(self) -> list[nn.Parameter]:
        """Parameters that can start from MoveNet."""
        heads = [m for h in (self.heat, self.offset) for m in (h.filter, h.widen, h.last)]
        return [p for m in (self.trunk, *heads) for p in m.parameters()]


def decode(maps: Maps, mass_weight: Tensor) -> Decoded:
    """Read the joints from the maps, in float32.

    The hottest cell of each joint is found; the cells around it vote for the place with their
    offsets, each with its share of the heat: steadier than one cell's word.
    """
    heat = maps.heat
    count, joints, height, width = heat.shape
    flat = heat.reshape(count, joints, height * width)
    best = flat.argmax(-1, keepdim=True)
    row = torch.div(best, width, rounding_mode="floor")
    column = best - row * width
    index = torch.arange(height * width, device=heat.device)
    rows = torch.div(index, width, rounding_mode="floor")
    columns = index - rows * width
    near = ((rows - row).abs() <= _WINDOW) & ((columns - column).abs() <= _WINDOW)
    # The largest is taken off first: exp stays in range at half precision too.
    peak = torch.exp(flat - flat.amax(-1, keepdim=True))
    local = torch.where(near, peak, torch.zeros_like(peak))
    total = local.sum(-1)
    share = local / total[..., None]
    vote = maps.offset.reshape(count, 2, joints, height * width)
    x = (share * (vote[:, 0] + columns)).sum(-1)
    y = (share * (vote[:, 1] + rows)).sum(-1)
    mass = torch.log(total / peak.sum(-1))
    sure = (share * maps.sure.reshape(count, joints, height * width)).sum(-1)
    return Decoded(torch.stack((x, y), -1) * STRIDE, sure + mass_weight * mass)
