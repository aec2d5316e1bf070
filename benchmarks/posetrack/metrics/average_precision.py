"""Average precision: the area under the interpolated curve of all points (PASCAL VOC 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.metrics.argsort import avx512_argsort
from steadypose.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class JointHits:
    """The predictions of one joint and which of them are right.

    Attributes:
        scores: ``(N,)`` float64.
        right: ``(N,)`` bool.
        annotated: How many there are to be found.
    """

    scores: Floats
    right: NDArray[np.bool_]
    annotated: int

    @classmethod
    def joined(cls, parts: Sequence[JointHits]) -> JointHits:
        """All of them, in order."""
        if not parts:
            raise InputError("JointHits.joined: nothing given")
        return cls(
            scores=np.concatenate([part.scores for part in parts]),
            right=np.concatenate([part.right for part in parts]),
            annotated=sum(part.annotated for part in parts),
        )


@dataclass(frozen=True)
class Precision:
    """In percent: average precision, and precision and recall of all predictions together."""

    ap: float
    precision: float
    recall: float


def average_precision(hits: JointHits) -> Precision:
    """As one would want it: equal scores are one point, so that their order does not matter.

    NaN where nobody is annotated; precision is NaN where nothing is predicted.
    """
    if not hits.annotated:
        return Precision(np.nan, np.nan, np.nan)
    if not len(hits.scores):
        return Precision(0.0, np.nan, 0.0)
    order = np.argsort(-hits.scores, kind="stable")
    last = np.append(np.diff(hits.scores[order]) != 0, True)
    return _scored(hits, order, last)


def poseval_precision(hits: JointHits) -> Precision:
    """As poseval has it, which orders equal scores as numpy's ``argsort`` does with AVX-512.

    On other processors poseval itself gives another order, and where right and wrong joints have
    the same score an AP that differs in the third decimal.

    0 where nothing is predicted; NaN where something is predicted and nobody annotated.
    """
    if not len(hits.scores):
        return Precision(0.0, 0.0, 0.0)
    order = avx512_argsort(hits.scores)[::-1]
    if not hits.annotated:
        return Precision(np.nan, 100 * float(hits.right.mean()), np.nan)
    return _scored(hits, order, np.ones(len(order), bool))


def _scored(hits: JointHits, order: NDArray[np.intp], points: NDArray[np.bool_]) -> Precision:
    """From the predictions in ``order``, at those that are points of the curve."""
    found = np.cumsum(hits.right[order])[points]
    recall = found / hits.annotated
    precision = found / (np.flatnonzero(points) + 1)
    best = np.maximum.accumulate(np.append(precision, 0)[::-1])[::-1]
    steps = np.diff(np.concatenate([[0.0], recall, [1.0]]))
    return Precision(
        ap=100 * float((steps * best).sum()),
        precision=100 * float(precision[-1]),
        recall=100 * float(recall[-1]),
    )
