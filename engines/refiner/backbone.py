"""The trunk that the refiner shares with MoveNet: MobileNetV2 with a thin feature pyramid.

Batch norms are folded into the convolutions, as in the published weights, so every convolution
has a bias and there is no normalisation. Convolutions of stride 2 pad at the far end only
(TensorFlow's SAME).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class TrunkShape:
    """Channels of the trunk.

    Attributes:
        stem: Channels after the first convolution.
        stages: For each stage its channels, number of blocks and the stride of its first block.
    """

    stem: int
    stages: tuple[tuple[int, int, int], ...]


def _stages(*channels: int) -> tuple[tuple[int, int, int], ...]:
    blocks, strides = (1, 2, 3, 4, 3, 3, 1), (1, 2, 2, 2, 1, 2, 1)
    return tuple(zip(channels, blocks, strides, strict=True))


LIGHTNING = TrunkShape(stem=32, stages=_stages(16, 24, 32, 64, 96, 160, 320))
"""MobileNetV2 of width 1."""
THUNDER = TrunkShape(stem=56, stages=_stages(32, 40, 56, 112, 168, 280, 560))
"""MobileNetV2 of width 1.75."""

PYRAMID = (24, 32, 64)
"""Channels of the pyramid at strides 4, 8 and 16."""
_TOP = 1280
_EXPANSION = 6


class Conv(nn.Conv2d):
    """A convolution with bias and TensorFlow's SAME padding, for sides that the stride divides."""

    def __init__(
        self, into: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(into, out, kernel, stride, padding, groups=groups)

    def forward(self, input: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', H / stride, W / stride)``."""
        if self.stride[0] == 2:
            input = functional.pad(input, (0, 1, 0, 1))
        return super().forward(input)


def depthwise(channels: int, kernel: int = 3, stride: int = 1) -> Conv:
    """One filter a channel."""
    return Conv(channels, channels, kernel, stride, groups=channels)


class Bottleneck(nn.Module):
    """MobileNetV2's inverted residual (Sandler et al., arXiv 1801.04381)."""

    def __init__(self, into: int, out: int, stride: int, expansion: int = _EXPANSION) -> None:
        super().__init__()
        wide = into * expansion
        self.expand = Conv(into, wide) if expansion > 1 else None
        self.filter = depthwise(wide, 3, stride)
        self.project = Conv(wide, out)
        self.residual = stride == 1 and into == out

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', H / stride, W / stride)``."""
        wide = x if self.expand is None else functional.relu6(self.expand(x))
        out: Tensor = self.project(functional.relu6(self.filter(wide)))
        return x + out if self.residual else out


class Trunk(nn.Module):
    """From the first convolution's sum to features of strides 4 and 8.

    Attributes:
        resting: So many stages from the first on get no gradient. They see the largest maps, so
            training steps in which they rest cost about half.
    """

    def __init__(self, shape: TrunkShape) -> None:
        super().__init__()
        self.resting = 0
        self.first = Conv(3, shape.stem, 3, 2)
        stages, into = [], shape.stem
        for number, (channels, blocks, stride) in enumerate(shape.stages):
            expansion = 1 if number == 0 else _EXPANSION
            stages.append(_stage(into, channels, blocks, stride, expansion))
            into = channels
        self.stages = nn.ModuleList(stages)
        self.top = Conv(into, _TOP)
        at = (shape.stages[1][0], shape.stages[2][0], shape.stages[3][0], _TOP)
        fine, middle, coarse = PYRAMID
        widths = (fine, middle, coarse, coarse)
        self.lateral = nn.ModuleList(Conv(a, b) for a, b in zip(at, widths, strict=True))
        self.smooth = nn.ModuleList(
            nn.Sequential(depthwise(a), Conv(a, b), nn.ReLU())
            for a, b in ((coarse, middle), (middle, fine), (fine, fine))
        )

    def forward(self, image: Tensor, extra: Tensor) -> tuple[Tensor, Tensor]:
        """Features of a picture.

        Args:
            image: ``(N, 3, H, W)`` BGR, each pixel less the network's mean.
            extra: ``(N, C, H/2, W/2)``, added to the first stage's output, which has no activation:
                half as many channels as before it, and so half the cost.

        Returns:
            ``(N, 24, H/4, W/4)`` and ``(N, 32, H/8, W/8)``.
        """
        x = functional.relu6(self.first(image))
        kept = []
        for number, stage in enumerate(self.stages):
            if number < self.resting:
                with torch.no_grad():
                    x = stage(x)
            else:
                x = stage(x)
            if number == 0:
                x = x + extra
            if number in (1, 2, 3):
                kept.append(x)
        x = self.lateral[3](functional.relu6(self.top(x)))
        x = self.smooth[0](double(x) + self.lateral[2](kept[2]))
        middle = double(x) + self.lateral[1](kept[1])
        x = self.smooth[1](middle)
        return self.smooth[2](double(x) + self.lateral[0](kept[0])), middle

    def convolutions(self) -> Iterator[Conv]:
        """All convolutions in the order in which MoveNet's converter writes them."""
        yield self.first
        for number, stage in enumerate(self.stages):
            yield from _convs(stage)
            if number in (1, 2, 3):
                yield from _convs(self.lateral[number - 1])
        yield self.top
        yield from _convs(self.lateral[3])
        yield from _convs(self.smooth)


def double(x: Tensor) -> Tensor:
    """Twice the height and width, linearly between half-pixel centres."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _stage(into: int, channels: int, blocks: int, stride: int, expansion: int) -> nn.Sequential:
    first = Bottleneck(into, channels, stride, expansion)
    rest = (Bottleneck(channels, channels, 1, expansion) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


def _convs(module: nn.Module) -> Iterator[Conv]:
    return (m for m in module.modules() if isinstance(m, Conv))
