"""What an engine is built for: batches, sizes, precision, hardware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steadypose.errors import EngineError

Shape = tuple[int, ...]
Profile = tuple[Shape, Shape, Shape]
"""Least, commonest and largest shape of an input."""

# Sides of a picture by the places that are free: rows and columns last but one, or last.
_SIDES = ((1, 2), (2, 3))


@dataclass(frozen=True, kw_only=True)
class BuildSpec:
    """What an engine is built for.

    Attributes:
        batches: Least, commonest and largest batch, where the network's is free.
        sizes: Heights and widths that inputs will have, in pixels, where the network's are free.
            The engine takes any size from the smallest to the largest sides, and is tuned for the
            one in the middle by area.
        half: FP16; else FP32, for comparison.
        workspace_bytes: GPU memory that layers may use beside their inputs and outputs; None is
            TensorRT's own bound, mostly all there is. Too little of it fails the build.
        timing_cache: Where measured times of kernels are kept between builds. TensorRT for RTX
            measures nothing when it builds, and leaves it alone.
        version_compatible: The engine also loads in later minor versions of this TensorRT.
        ampere_plus: The engine also runs on other GPUs since Ampere, more slowly.
        optimisation_level: 0 (quick to build) to 5 (quick to run); None is TensorRT's own choice.
        capabilities: For TensorRT for RTX: GPUs to build for, as ``"SM86"``; none means all.
    """

    batches: tuple[int, int, int] = (1, 8, 32)
    sizes: tuple[tuple[int, int], ...] = ()
    half: bool = True
    workspace_bytes: int | None = None
    timing_cache: Path | None = None
    version_compatible: bool = False
    ampere_plus: bool = False
    optimisation_level: int | None = None
    capabilities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        least, common, largest = self.batches
        if not 1 <= least <= common <= largest:
            raise EngineError(f"batches: expected 1 <= least <= common <= largest: {self.batches}")
        if any(side < 1 for size in self.sizes for side in size):
            raise EngineError(f"sizes: expected heights and widths of at least 1: {self.sizes}")
        if self.workspace_bytes is not None and self.workspace_bytes < 1:
            raise EngineError(f"workspace_bytes: expected at least 1, got {self.workspace_bytes}")
        if self.optimisation_level is not None and not 0 <= self.optimisation_level <= 5:
            raise EngineError(f"optimisation_level: expected 0 to 5, got {self.optimisation_level}")

    @property
    def precision(self) -> str:
        """``"fp16"`` or ``"fp32"``."""
        return "fp16" if self.half else "fp32"

    @property
    def profile(self) -> str:
        """All that shapes the engine beside graph, TensorRT and GPU, as a short text for keys."""
        parts = ["n" + "-".join(map(str, self.batches))]
        parts += ["x".join(map(str, side)) for side in self._sides() if self.sizes]
        parts += [] if self.workspace_bytes is None else [f"w{self.workspace_bytes}"]
        parts += ["vc"] * self.version_compatible + ["ampere+"] * self.ampere_plus
        parts += [] if self.optimisation_level is None else [f"o{self.optimisation_level}"]
        return " ".join([*parts, *sorted(self.capabilities)])

    def shapes(self, name: str, shape: Sequence[int]) -> Profile | None:
        """Shapes that the input ``name`` will have; None where ``shape`` leaves nothing free.

        Args:
            name: For the message of the error.
            shape: With -1 where it is free: the first dimension is the batch, two more are
                height and width.

        Raises:
            EngineError: Sides are free and no sizes are given, or something else is free.
        """
        free = tuple(i for i, side in enumerate(shape) if side < 0)
        if not free:
            return None
        sides = tuple(i for i in free if i > 0)
        if sides and sides not in _SIDES:
            raise EngineError(
                f"input '{name}' {tuple(shape)}: only batch, height and width can be free; "
                "export the network with its other dimensions fixed"
            )
        if sides and not self.sizes:
            raise EngineError(
                f"input '{name}' {tuple(shape)}: its height and width are free, and no sizes to "
                "build for are given"
            )
        made = []
        for batch, size in zip(self.batches, self._sides() or [(0, 0)] * 3, strict=True):
            values = {0: batch, **(dict(zip(sides, size, strict=True)) if sides else {})}
            made.append(tuple(values[i] if i in free else side for i, side in enumerate(shape)))
        return made[0], made[1], made[2]

    def _sides(self) -> list[tuple[int, int]]:
        """Least, commonest and largest sides; empty without sizes."""
        if not self.sizes:
            return []
        by_area = sorted(self.sizes, key=lambda size: (size[0] * size[1], size))
        heights, widths = zip(*self.sizes, strict=True)
        return [
            (min(heights), min(widths)),
            by_area[len(by_area) // 2],
            (max(heights), max(widths)),
        ]
