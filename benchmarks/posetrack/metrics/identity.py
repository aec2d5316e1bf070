"""IDF1: how much of the people's time is under one id (Ristani et al., ECCV workshops 2016)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.benchmarks.posetrack.metrics.clear import ratio
from steadypose.benchmarks.posetrack.metrics.pairing import Pairing, numbered

Counts = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class IdentityCounts:
    """For each of K channels; sequences are added up.

    Attributes:
        true_positives: ``(K,)`` frames in which a person has the one id that it is given best.
        objects: ``(K,)`` annotated persons, over all frames.
        predictions: ``(K,)`` predictions, over all frames.
    """

    true_positives: Counts
    objects: Counts
    predictions: Counts

    def __add__(self, other: IdentityCounts) -> IdentityCounts:
        return IdentityCounts(
            true_positives=self.true_positives + other.true_positives,
            objects=self.objects + other.objects,
            predictions=self.predictions + other.predictions,
        )

    def f1(self) -> Counts:
        """``(K,)`` IDF1 in percent; NaN where there is nothing."""
        return 100 * ratio(2 * self.true_positives, self.objects + self.predictions)

    def precision(self) -> Counts:
        """``(K,)`` IDP in percent; NaN where nothing is predicted."""
        return 100 * ratio(self.true_positives, self.predictions)

    def recall(self) -> Counts:
        """``(K,)`` IDR in percent; NaN where nobody is annotated."""
        return 100 * ratio(self.true_positives, self.objects)


def identity(frames: Iterable[Pairing], limit: float, channels: int = 1) -> IdentityCounts:
    """Give every person of a sequence at most one id, so that most frames agree.

    Args:
        frames: In any order.
        limit: Pairs farther apart than this do not agree.
        channels: K, the number of channels of the frames.
    """
    rows, people, predictions = numbered(frames)
    agree = np.zeros((channels, people, predictions))
    objects, found_in_all = np.zeros(channels), np.zeros(channels)
    for frame, truth, found in rows:
        agree[:, truth[:, None], found] += frame.distance <= limit
        objects += frame.truth.sum(1)
        found_in_all += frame.found.sum(1)
    hits = [float(each[linear_sum_assignment(each, maximize=True)].sum()) for each in agree]
    return IdentityCounts(true_positives=np.array(hits), objects=objects, predictions=found_in_all)
