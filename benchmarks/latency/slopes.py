"""Whether something grows: a slope with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

BLOCKS = 60
"""The slope is that of the means of so many blocks of equal length in time."""
_FEWEST = 10
_WANDERS = 1 - BLOCKS**-0.5
"""A correlation of neighbouring blocks above this cannot be told from 1."""


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


def slope(times_s: Array, values: Array) -> Slope:
    """The slope of values whose noise may last for long, as that of ages and of memory does.

    Memory moves in steps and stays where it is: its noise is nearly a random walk, of which least
    squares would find a "significant" slope four times out of five. So the noise is taken for an
    autoregression of first order: its coefficient is estimated from the residuals of least
    squares, corrected for the bias that a fitted trend brings (Kendall 1954), taken for 1 where it
    cannot be told from it (as in Perron and Yabu 2009), and removed (Prais and Winsten 1954).

    Args:
        times_s: When each value was taken, in seconds, ascending.
        values: At least one value in most of the blocks; of a few, nothing can be said, and the
            interval is endless.
    """
    x, y = _block_means(times_s, values)
    if len(x) < _FEWEST:
        return Slope(per_hour=0.0, low=-np.inf, high=np.inf)
    length = x[-1] - x[0]
    line = np.stack([np.ones(len(x)), (x - x[0]) / length], 1)
    rho = _correlation(y - line @ np.linalg.lstsq(line, y, rcond=None)[0])
    if rho > _WANDERS:
        growth, error, freedom = _of_differences(line[:, 1], y)
    else:
        growth, error, freedom = _whitened(line, y, rho)
    reach = float(stats.t.ppf(0.975, freedom)) * error
    hour = 3600 / length
    return Slope(
        per_hour=float(hour * growth),
        low=float(hour * (growth - reach)),
        high=float(hour * (growth + reach)),
    )


def _block_means(times_s: Array, values: Array) -> tuple[Array, Array]:
    """Mean time and mean value of each block that holds any."""
    edges = np.linspace(times_s[0], times_s[-1], BLOCKS + 1)
    block = np.clip(np.searchsorted(edges, times_s, "right") - 1, 0, BLOCKS - 1)
    count = np.bincount(block, minlength=BLOCKS)
    filled = count > 0
    sums = (np.bincount(block, v, BLOCKS)[filled] for v in (times_s, values))
    x, y = (total / count[filled] for total in sums)
    return x, y


def _correlation(noise: Array) -> float:
    """How much of a block's noise is still there in the next one, 0 to 1."""
    power = float((noise[:-1] ** 2).sum())
    found = float((noise[1:] * noise[:-1]).sum()) / power if power else 0.0
    return min(max(found + (2 + 4 * found) / len(noise), 0.0), 1.0)


def _whitened(line: Array, y: Array, rho: float) -> tuple[float, float, int]:
    """Slope, its standard error and degrees of freedom after the correlation is taken out."""
    first = (1 - rho**2) ** 0.5
    x = np.concatenate([first * line[:1], line[1:] - rho * line[:-1]])
    z = np.concatenate([first * y[:1], y[1:] - rho * y[:-1]])
    inverse = np.linalg.inv(x.T @ x)
    fit = inverse @ x.T @ z
    freedom = len(z) - 3
    variance = float(((z - x @ fit) ** 2).sum()) / freedom
    return float(fit[1]), float(variance * inverse[1, 1]) ** 0.5, freedom


def _of_differences(x: Array, y: Array) -> tuple[float, float, int]:
    """The same where the noise is a random walk.

    Means of blocks of a random walk differ with two thirds of its variance, and neighbouring
    differences are correlated by a quarter: hence the factor of one and a half.
    """
    dx, dy = np.diff(x), np.diff(y)
    power = float(dx @ dx)
    growth = float(dx @ dy) / power
    freedom = len(dy) - 2
    variance = 1.5 * float(((dy - growth * dx) ** 2).sum()) / freedom
    return growth, (variance / power) ** 0.5, freedom
