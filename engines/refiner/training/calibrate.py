"""Scores that can be trusted as probabilities: Platt scaling per joint, and how well it holds.

Platt (1999): the probability is ``sigmoid(scale * logit + bias)``. Scale and bias are fitted once
for all joints, then for each joint with a pull towards the common fit, so that a joint with few
labels does not get a fit of its own noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

_LEAST_SCALE = 0.05
"""The order of scores within a joint is kept."""
BINS = 15


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Platt's two numbers for each of K joints.

    Attributes:
        scale: ``(K,)`` float64 above 0.
        bias: ``(K,)`` float64.
    """

    scale: NDArray[np.float64]
    bias: NDArray[np.float64]


def fit_calibration(
    logits: NDArray[np.floating],
    right: NDArray[np.bool_],
    known: NDArray[np.bool_],
    ridge: float,
) -> Calibration:
    """Fit by maximum likelihood with a ridge towards the fit over all joints.

    Args:
        logits: ``(M, K)`` logits of the joints before calibration.
        right: ``(M, K)`` whether the joint was right.
        known: ``(M, K)`` whether ``right`` is known.
        ridge: Weight of the pull, in samples; 0 fits each joint alone. A joint without samples
            takes the common fit.
    """
    start = np.array([1.0, 0.0])
    # One sample's worth of pull to the identity keeps the fit finite where all are right.
    common = _fit(logits[known], right[known], start, 1.0)
    columns = range(logits.shape[1])
    fits = [_fit(logits[known[:, k], k], right[known[:, k], k], common, ridge) for k in columns]
    scale, bias = np.array(fits).T
    return Calibration(scale=scale, bias=bias)


def _fit(
    logits: NDArray[np.floating], right: NDArray[np.bool_], centre: NDArray[np.float64], pull: float
) -> NDArray[np.float64]:
    if logits.size == 0:
        return centre
    z, y = logits.astype(np.float64), right.astype(np.float64)

    def cost(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        t = at[0] * z + at[1]
        away = at - centre
        loss = np.logaddexp(0, t).sum() - (y * t).sum() + 0.5 * pull * (away**2).sum()
        slope = expit(t) - y
        gradient = np.array([(slope * z).sum(), slope.sum()]) + pull * away
        return loss / z.size, gradient / z.size

    bounds = [(_LEAST_SCALE, None), (None, None)]
    found = minimize(cost, centre, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, np.float64)


def expected_calibration_error(
    probability: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS
) -> float:
    """ECE (Naeini et al. 2015; Guo et al., arXiv 1706.04599) with bins of equal width over 0..1.

    The mean over all samples of |share right - mean probability| of the sample's bin.

    Args:
        probability: ``(M,)`` in 0..1.
        right: ``(M,)`` whether it came true.
        bins: Number of bins.

    Returns:
        0..1; NaN without samples.
    """
    if probability.size == 0:
        return float("nan")
    which = np.minimum((probability * bins).astype(int), bins - 1)
    gap = np.bincount(which, right.astype(np.float64) - probability, minlength=bins)
    return float(np.abs(gap).sum() / probability.size)
