"""The numbers that a device needs to make the same pixels as OpenCV.

Measured with OpenCV 5.0 on a CPU with fused multiply-add: crops and fitted frames equal those of
``cv2.warpAffine`` and ``cv2.resize`` in every byte. OpenCV 4.12 places a crop's pixels at multiples
of 1/32; of its values 1.4 % are others (on real frames), 0.03 % by more than one grey level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steadypose.engines.crops import Cuts
from steadypose.engines.detectors.base import Fit
from steadypose.engines.pixels import Size

CUT = np.dtype(
    [
        ("frame", np.uint64),
        ("rows", np.int32),
        ("columns", np.int32),
        ("step_x", np.float32),
        ("first_x", np.float32),
        ("step_y", np.float32),
        ("first_y", np.float32),
    ]
)
"""The kernels' ``struct Cut``."""

TAP = np.dtype([("at", np.int32), ("weight", np.float32)])
"""The kernels' ``struct Tap``."""

AREA, AREA_HALVES_UP, LINEAR = 0, 1, 2
"""The ways of the kernel ``fit``."""

_FIXED = 2048
_SLIVER = 1e-3
"""Shares of a source pixel below it are left out by OpenCV."""


def cut_records(cuts: Cuts, addresses: Sequence[int]) -> NDArray[np.void]:
    """``(N,)`` of ``CUT``, for frames that lie at ``addresses`` on the device.

    The way from the frame to the crop is turned round in float64 and rounded to float32, in the
    order of cv2.warpAffine.
    """
    records = np.zeros(len(cuts.to_crop), CUT)
    scale, offset = cuts.to_crop[:, (0, 1), (0, 1)], cuts.to_crop[:, :, 2]
    determinant = 1 / (scale[:, 0] * scale[:, 1])
    step = scale[:, ::-1] * determinant[:, None]
    first = -step * offset
    records["frame"] = addresses
    records["rows"] = [frame.shape[0] for frame in cuts.frames]
    records["columns"] = [frame.shape[1] for frame in cuts.frames]
    for i, axis in enumerate("xy"):
        records[f"step_{axis}"], records[f"first_{axis}"] = step[:, i], first[:, i]
    return records


@dataclass(frozen=True, eq=False)
class FitPlan:
    """How a frame of one size is brought to another.

    Attributes:
        x_starts, y_starts: ``(columns + 1,)`` and ``(rows + 1,)`` int32, each result column's and
            row's first tap; the next one's ends them.
        x_taps, y_taps: Taps of ``TAP``.
        scale: What the sums are multiplied by.
        way: ``AREA``, ``AREA_HALVES_UP`` or ``LINEAR``.
    """

    x_starts: NDArray[np.int32]
    x_taps: NDArray[np.void]
    y_starts: NDArray[np.int32]
    y_taps: NDArray[np.void]
    scale: float
    way: int

    @property
    def tables(self) -> tuple[NDArray[Any], ...]:
        """The four tables, in the kernel's order."""
        return self.x_starts, self.x_taps, self.y_starts, self.y_taps


def fit_plan(fit: Fit) -> FitPlan:
    """The plan for a frame; made once for each pair of sizes."""
    rows, columns = fit.frame.shape[:2]
    return _plan((rows, columns), fit.resized, fit.way)


@lru_cache(maxsize=32)
def _plan(old: Size, new: Size, way: int) -> FitPlan:
    """What cv2.resize does, which depends on the way asked for and on the ratios of the sides."""
    ratios = [1 / (n / o) for o, n in zip(old, new, strict=True)]
    if way == cv2.INTER_AREA and min(ratios) >= 1:
        whole = [round(ratio) for ratio in ratios]
        exact = all(abs(r - w) < np.finfo(float).eps for r, w in zip(ratios, whole, strict=True))
        if exact:  # the sum of whole pixels, then one factor; 2 x 2 rounds as integers do
            y, x = (_blocks(n, w) for n, w in zip(new, whole, strict=True))
            halves_up = whole == [2, 2]
            scale = float(np.float32(1 / (whole[0] * whole[1])))
            return FitPlan(*x, *y, scale, AREA_HALVES_UP if halves_up else AREA)
        y, x = (_areas(o, n, r) for o, n, r in zip(old, new, ratios, strict=True))
        return FitPlan(*x, *y, 1.0, AREA)
    by_area = way == cv2.INTER_AREA
    y, x = (
        _linear(o, n, r, by_area=by_area, clamp=across)
        for o, n, r, across in zip(old, new, ratios, (False, True), strict=True)
    )
    return FitPlan(*x, *y, 1.0, LINEAR)


def _table(taps: list[list[tuple[int, float]]]) -> tuple[NDArray[np.int32], NDArray[np.void]]:
    starts = np.cumsum([0] + [len(each) for each in taps]).astype(np.int32)
    return starts, np.array([tap for each in taps for tap in each], TAP)


def _blocks(new: int, ratio: int) -> tuple[NDArray[np.int32], NDArray[np.void]]:
    return _table([[(i * ratio + k, 1.0) for k in range(ratio)] for i in range(new)])


def _areas(old: int, new: int, ratio: float) -> tuple[NDArray[np.int32], NDArray[np.void]]:
    """The share of each source pixel in the stretch that a result pixel covers."""
    taps = []
    for i in range(new):
        start, end = i * ratio, i * ratio + ratio
        covered = min(ratio, old - start)
        last = min(int(np.floor(end)), old - 1)
        first = min(int(np.ceil(start)), last)
        here = [(k, 1 / covered) for k in range(first, last)]
        if first - start > _SLIVER:
            here.insert(0, (first - 1, (first - start) / covered))
        if end - last > _SLIVER:
            here.append((last, min(end - last, 1.0, covered) / covered))
        taps.append(here)
    return _table(taps)


def _linear(
    old: int, new: int, ratio: float, *, by_area: bool, clamp: bool
) -> tuple[NDArray[np.int32], NDArray[np.void]]:
    """Two neighbours and their weights in 2048ths.

    Beyond the first and last source pixel OpenCV takes these alone across (``clamp``), but mixes
    each with itself down, which rounds otherwise.
    """
    taps = []
    for i in range(new):
        if by_area:
            at = int(np.floor(i * ratio))
            share = np.float32((i + 1) - (at + 1) * (new / old))
            share = share - np.floor(share) if share > 0 else np.float32(0)
        else:
            place = np.float32((i + 0.5) * ratio - 0.5)
            at = int(np.floor(place))
            share = place - np.float32(at)
        if clamp and (at < 0 or at >= old - 1):
            at, share = min(max(at, 0), old - 1), np.float32(0)
        weights = ((np.float32(1) - share) * np.float32(_FIXED), share * np.float32(_FIXED))
        places = (min(max(at, 0), old - 1), min(max(at + 1, 0), old - 1))
        taps.append([(p, float(np.rint(w))) for p, w in zip(places, weights, strict=True)])
    return _table(taps)
