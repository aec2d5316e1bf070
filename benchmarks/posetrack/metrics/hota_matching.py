"""The first half of HOTA: who is matched with whom in each frame of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from steadypose.benchmarks.posetrack.metrics.pairing import Mask, Pairing, Rows, disputed

ALPHAS = np.arange(0.05, 0.99, 0.05)
"""Similarities from which on a pair is a true positive; every score is a mean over them."""
_ENOUGH = ALPHAS - np.finfo(float).eps
_SURE = 1000.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Matching:
    """How people are matched.

    Attributes:
        reach: Distance at which the similarity ``1 - distance / reach`` is 0.
        aligned: Weigh a pair by how well the two tracks agree on the whole, as HOTA is defined;
            else by its similarity alone, as PoseTrack21's tool does.
        each_alpha: Match anew for each alpha, most pairs first, as PoseTrack21's tool does for a
            whole set; else once for all.
        whole_for_empty: A frame without people counts as many false positives (without
            predictions: misses) as the whole sequence has, as PoseTrack21's tool does by mistake.
    """

    reach: float = 1.0
    aligned: bool = True
    each_alpha: bool = False
    whole_for_empty: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Matches:
    """The matches of one sequence, in order of time, in K channels.

    Attributes:
        channel: ``(M,)``.
        truth, found: ``(M,)`` int64 ids.
        similarity: ``(M,)`` in 0..1.
        at: ``(M, A)`` bool: for which of ``ALPHAS`` it is a match.
        truth_ids, found_ids: ``(N,)`` int64, each once.
        truth_seen, found_seen: ``(K, N)`` how often each of these ids is there.
        objects, predictions: ``(K,)`` how many there are to be matched, over all frames.
    """

    channel: NDArray[np.intp]
    truth: NDArray[np.int64]
    found: NDArray[np.int64]
    similarity: Floats
    at: Mask
    truth_ids: NDArray[np.int64]
    found_ids: NDArray[np.int64]
    truth_seen: Floats
    found_seen: Floats
    objects: Floats
    predictions: Floats


def match(frames: Sequence[Pairing], how: Matching, channels: int = 1) -> Matches:
    """Match the people of every frame of a sequence with its predictions.

    Args:
        frames: In order of time.
        how: See its class.
        channels: K, the number of channels of the frames.
    """
    people, predictions = _Side(channels, "truth", frames), _Side(channels, "found", frames)
    similar = [_similarity(frame, how.reach) for frame in frames]
    scores = _aligned(similar, people, predictions) if how.aligned else similar
    hits = [_matched(*pair, how) for pair in zip(similar, scores, strict=True)]
    where = [np.nonzero(hit.any(0)) for hit in hits]
    return Matches(
        channel=_joined([k for k, _, _ in where], np.intp),
        truth=_joined([f.truth_ids[g] for f, (_, g, _) in zip(frames, where, strict=True)]),
        found=_joined([f.found_ids[p] for f, (_, _, p) in zip(frames, where, strict=True)]),
        similarity=_joined([s[w] for s, w in zip(similar, where, strict=True)], np.float64),
        at=_joined([hit[:, k, g, p].T for hit, (k, g, p) in zip(hits, where, strict=True)], bool),
        truth_ids=people.ids,
        found_ids=predictions.ids,
        truth_seen=people.seen,
        found_seen=predictions.seen,
        objects=people.total(predictions if how.whole_for_empty else None),
        predictions=predictions.total(people if how.whole_for_empty else None, first=True),
    )


class _Side:
    """The people, or the predictions, of a sequence.

    Attributes:
        rows: For each frame the rows of its ids.
        counts: For each frame ``(K,)`` how many are there.
        ids: ``(N,)`` int64 by row.
        seen: ``(K, N)`` how often each is there.
    """

    def __init__(self, channels: int, name: str, frames: Sequence[Pairing]) -> None:
        number = Rows()
        given = [getattr(frame, f"{name}_ids") for frame in frames]
        there = [getattr(frame, name) for frame in frames]
        self.rows = [number(ids) for ids in given]
        self.counts = [mask.sum(1).astype(np.float64) for mask in there]
        self.ids = np.empty(len(number), np.int64)
        self.seen = np.zeros((channels, len(number)))
        for rows, ids, mask in zip(self.rows, given, there, strict=True):
            self.ids[rows] = ids
            self.seen[:, rows] += mask

    def total(self, other: _Side | None, *, first: bool = False) -> Floats:
        """``(K,)`` how many are there, over all frames.

        Args:
            other: Count the whole sequence for each frame in which this side stands alone.
            first: This side also has the frames in which both are empty.
        """
        whole: Floats = self.seen.sum(1)
        if other is None or not len(other.ids) or not len(self.ids):
            return whole
        total: Floats = np.zeros_like(whole)
        for mine, theirs, count in zip(self.rows, other.rows, self.counts, strict=True):
            alone = not len(theirs) and (first or len(mine) > 0)
            total += whole if alone else count
        return total


def _similarity(frame: Pairing, reach: float) -> Floats:
    """``(K, G, P)`` in 0..1."""
    distance = np.nan_to_num(frame.distance, nan=np.inf, posinf=np.inf)
    return np.asarray(np.maximum(distance * (-1 / reach) + 1, 0))


def _aligned(similar: Sequence[Floats], people: _Side, predictions: _Side) -> list[Floats]:
    """Similarities times how well the two tracks agree on the whole (HOTA, equation 15).

    ``sum of soft IoU / (length of one + length of the other - sum)`` in 0..1.
    """
    shared = np.zeros((len(people.seen), len(people.ids), len(predictions.ids)))
    places = list(zip(people.rows, predictions.rows, strict=True))
    for similarity, (truth, found) in zip(similar, places, strict=True):
        whole = similarity.sum(1, keepdims=True) + similarity.sum(2, keepdims=True) - similarity
        share = np.divide(
            similarity, whole, out=np.zeros_like(whole), where=whole > np.finfo(float).eps
        )
        shared[:, truth[:, None], found] += share
    length = people.seen[:, :, None] + predictions.seen[:, None]
    agreement = shared / np.maximum(length - shared, 1e-12)
    return [
        np.asarray(agreement[:, truth[:, None], found] * similarity)
        for similarity, (truth, found) in zip(similar, places, strict=True)
    ]


def _matched(similarity: Floats, score: Floats, how: Matching) -> Mask:
    """``(A, K, G, P)``: the pairs with the highest score in total, for each alpha."""
    enough: Mask = similarity >= _ENOUGH[:, None, None, None]
    if how.each_alpha:
        pairs = _best(enough, enough * _SURE + similarity)
    else:
        pairs = _best(np.asarray(score > 0), score)
    matched: Mask = pairs & enough
    return matched


def _best(edges: Mask, score: Floats) -> Mask:
    """The pairs ``(..., K, G, P)`` of ``edges`` with the highest score in total."""
    pairs = edges.copy()
    for place in map(tuple, np.argwhere(disputed(edges))):
        pairs[place] = False
        pairs[place][linear_sum_assignment(score[place], maximize=True)] = True
    return pairs


def _joined(parts: list[NDArray[np.generic]], dtype: type = np.int64) -> NDArray:  # type: ignore[type-arg]
    shape = (0, len(ALPHAS)) if dtype is bool else (0,)
    return np.concatenate([np.empty(shape, dtype), *parts]).astype(dtype, copy=False)
