"""Whether something grows: a slope with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

BLOCKS = 20
"""Values close in time resemble one another; the means of so many blocks hardly do."""


@dataclass(frozen=True, kw_only=True)
class Slope:
    """Growth an hour, and the interval that holds the true one in 95 of 100 runs."""

    per_hour: float
    low: float
    high: float

    @property
    def is_flat(self) -> bool:
        """Whether no growth lies within the interval."""
        return self.low <= 0.0 <= self.high


def slope(times_s: NDArray[np.float64], values: NDArray[np.float64]) -> Slope:
    """The least-squares slope over the means of blocks of equal length in time.

    Args:
        times_s: When each value was taken, in seconds, ascending.
        values: At least one value in most of the blocks.
    """
    edges = np.linspace(times_s[0], times_s[-1], BLOCKS + 1)
    block = np.clip(np.searchsorted(edges, times_s, "right") - 1, 0, BLOCKS - 1)
    count = np.bincount(block, minlength=BLOCKS)
    filled = count > 0
    x = np.bincount(block, times_s, BLOCKS)[filled] / count[filled]
    y = np.bincount(block, values, BLOCKS)[filled] / count[filled]
    fit = stats.linregress(x, y)
    reach = float(stats.t.ppf(0.975, len(x) - 2)) * float(fit.stderr)
    middle = float(fit.slope)
    return Slope(per_hour=3600 * middle, low=3600 * (middle - reach), high=3600 * (middle + reach))
