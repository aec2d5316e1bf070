"""95 % intervals by the bootstrap over groups (Efron and Tibshirani 1993, percentile method).

People of one picture, and near-duplicate pictures, are not independent: whole groups are drawn,
and both sides of a comparison see the same draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A figure and the 95 % interval it lies in; NaN where there was nothing to measure."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, draws: NDArray[np.floating]) -> Interval:
        """From the value on all groups and on each resample ``(B,)``; NaN draws are left out."""
        kept = np.asarray(draws, np.float64)
        kept = kept[np.isfinite(kept)]
        low, high = np.percentile(kept, _TAILS) if len(kept) else (np.nan, np.nan)
        return cls(float(value), float(low), float(high))


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """A share or mean over people: numerator and denominator of each person, ``(P,)``."""

    top: NDArray[np.floating]
    bottom: NDArray[np.floating]

    @classmethod
    def share(cls, hit: NDArray[np.bool_], among: NDArray[np.bool_]) -> Sums:
        """Joints ``(P, K)`` that are ``hit``, of those that are ``among``."""
        return cls(top=(hit & among).sum(1).astype(float), bottom=among.sum(1).astype(float))


class Resampler:
    """Draws groups with replacement, the same draws for everything measured on the same people.

    Args:
        groups: ``(P,)`` group of each person, any integers.
        times: How many resamples.
        seed: Of the draws.
    """

    def __init__(self, groups: NDArray[np.integer], times: int, seed: int = 0) -> None:
        _, self._rows = np.unique(groups, return_inverse=True)
        self.groups = int(self._rows.max()) + 1 if len(self._rows) else 0
        rng = np.random.default_rng(seed)
        count = max(self.groups, 1)
        self._weights = rng.multinomial(count, np.full(count, 1 / count), size=times).astype(float)

    def per_person(self) -> Floats:
        """How often each draw has each person, ``(B, P)``."""
        return np.asarray(self._weights[:, self._rows])

    def totals(self, values: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Sum ``(...)`` over people of ``values`` ``(P, ...)``, and in each draw ``(B, ...)``."""
        each = np.zeros((max(self.groups, 1), *np.shape(values)[1:]))
        np.add.at(each, self._rows, values)
        drawn = np.tensordot(self._weights, each, 1)
        return np.asarray(each.sum(0)), np.asarray(drawn)

    def ratio(self, sums: Sums) -> tuple[float, Floats]:
        """``sum(top) / sum(bottom)`` of everybody and of each draw; NaN for nothing."""
        top, tops = self.totals(sums.top)
        bottom, bottoms = self.totals(sums.bottom)
        return float(_divided(top, bottom)), _divided(tops, bottoms)

    def interval(self, sums: Sums, scale: float = 1.0) -> Interval:
        """The ratio with its interval, times ``scale``."""
        value, draws = self.ratio(sums)
        return Interval.of(scale * value, scale * draws)

    def change(
        self,
        before: Sums,
        after: Sums,
        kind: Literal["difference", "ratio"],
        scale: float = 1.0,
    ) -> Interval:
        """``after - before`` times ``scale``, or ``after / before``, paired in each draw."""
        old, olds = self.ratio(before)
        new, news = self.ratio(after)
        if kind == "difference":
            return Interval.of(scale * (new - old), scale * (news - olds))
        return Interval.of(float(_divided(np.asarray(new), np.asarray(old))), _divided(news, olds))


def _divided(top: NDArray[np.floating], bottom: NDArray[np.floating]) -> Floats:
    top, bottom = np.asarray(top, np.float64), np.asarray(bottom, np.float64)
    blank = np.full(np.shape(bottom), np.nan)
    return np.asarray(np.divide(top, bottom, out=blank, where=bottom != 0))
