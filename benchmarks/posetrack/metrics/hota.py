"""HOTA (Luiten et al., IJCV 2020) and FA-HOTA (PoseTrack21, Doering et al., CVPR 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.metrics.hota_matching import (
    ALPHAS,
    Matches,
    Matching,
    match,
)
from steadypose.benchmarks.posetrack.metrics.pairing import Pairing

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class HotaCounts:
    """What HOTA is made of, ``(A, K)`` for each alpha and channel; sequences are added up.

    Attributes:
        tp, fn, fp: Matches, misses, false positives.
        association: Sum over the matches of ``TPA / (TPA + FNA + FPA)``.
        recall: Sum over the matches of ``TPA / (TPA + FNA)``.
        precision: Sum over the matches of ``TPA / (TPA + FPA)``.
        fragments: Sum over the matches of the length of their fragment (a row of matches with one
            id, as long as no match with another comes between) ``/ (TPA + FNA + FPA)``.
        similarity: Sum over the matches of their similarity.
    """

    tp: Floats
    fn: Floats
    fp: Floats
    association: Floats
    recall: Floats
    precision: Floats
    fragments: Floats
    similarity: Floats

    def __add__(self, other: HotaCounts) -> HotaCounts:
        return HotaCounts(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    def at_each_alpha(self) -> dict[str, Floats]:
        """Scores ``(A, K)`` in 0..1; 0 where nothing is there. TrackEval's names."""
        matched = np.maximum(self.tp, 1)
        scores = {
            "DetA": self.tp / np.maximum(self.tp + self.fn + self.fp, 1),
            "AssA": self.association / matched,
            "FragA": self.fragments / matched,
            "DetRe": self.tp / np.maximum(self.tp + self.fn, 1),
            "DetPr": self.tp / np.maximum(self.tp + self.fp, 1),
            "AssRe": self.recall / matched,
            "AssPr": self.precision / matched,
            # As in TrackEval, localisation is perfect where nothing is matched.
            "LocA": np.where(self.tp > 0, self.similarity / matched, 1.0),
        }
        return with_hota(scores)

    def scores(self) -> dict[str, Floats]:
        """Scores ``(K,)`` in percent, the means over the alphas."""
        return {name: 100 * value.mean(0) for name, value in self.at_each_alpha().items()}


def with_hota(scores: dict[str, Floats]) -> dict[str, Floats]:
    """The scores with those that are made of others: HOTA and FA-HOTA."""
    detection, association, fragments = scores["DetA"], scores["AssA"], scores["FragA"]
    whole = np.sqrt(detection * association)
    fragmented = np.sqrt(detection * np.sqrt(association * fragments))
    return {"HOTA": whole, "FA-HOTA": fragmented, **scores}


def hota(frames: Sequence[Pairing], how: Matching | None = None, channels: int = 1) -> HotaCounts:
    """Count what HOTA is made of in one sequence.

    Args:
        frames: In order of time.
        how: How people are matched; by default HOTA as it is defined, for distances in 0..1.
        channels: K, the number of channels of the frames.
    """
    return associate([match(frames, how or Matching(), channels)])


def associate(parts: Sequence[Matches]) -> HotaCounts:
    """Count what HOTA is made of in sequences whose ids mean the same people.

    Args:
        parts: At least one.
    """
    channel, at = (np.concatenate([getattr(m, name) for m in parts]) for name in ("channel", "at"))
    truth, truth_seen = _ids(parts, "truth")
    found, found_seen = _ids(parts, "found")
    similarity = np.concatenate([m.similarity for m in parts])
    channels = len(truth_seen)
    columns: list[dict[str, Floats]] = []
    objects, predictions = (sum(getattr(m, n) for m in parts) for n in ("objects", "predictions"))
    for a in range(len(ALPHAS)):
        k, g, p = channel[at[:, a]], truth[at[:, a]], found[at[:, a]]
        tp = np.bincount(k, minlength=channels).astype(np.float64)
        local = np.bincount(k, similarity[at[:, a]], channels)
        columns.append(
            {"tp": tp, "fn": objects - tp, "fp": predictions - tp, "similarity": local}
            | _association(k, g, p, truth_seen, found_seen)
        )
    return HotaCounts(
        **{f.name: np.array([c[f.name] for c in columns]) for f in fields(HotaCounts)}
    )


def _ids(parts: Sequence[Matches], side: str) -> tuple[NDArray[np.intp], Floats]:
    """Rows ``(M,)`` of the matches' ids, and how often each id is there ``(K, N)``."""
    known, place = np.unique(
        np.concatenate([getattr(m, f"{side}_ids") for m in parts]), return_inverse=True
    )
    counts = np.concatenate([getattr(m, f"{side}_seen") for m in parts], axis=1)
    seen = np.zeros((len(counts), len(known)))
    np.add.at(seen.T, place, counts.T)
    return np.searchsorted(known, np.concatenate([getattr(m, side) for m in parts])), seen


def _association(
    k: NDArray[np.intp],
    g: NDArray[np.intp],
    p: NDArray[np.intp],
    truth_seen: Floats,
    found_seen: Floats,
) -> dict[str, Floats]:
    """The sums of association of one alpha, for each channel."""
    channels = len(truth_seen)
    person = k * truth_seen.shape[1] + g
    pair, which, tpa = np.unique(
        person * found_seen.shape[1] + p, return_inverse=True, return_counts=True
    )
    truth, found = truth_seen[k, g], found_seen[k, p]
    together = tpa[which].astype(np.float64)
    union = np.maximum(truth + found - together, 1)
    order = np.argsort(person, kind="stable")
    new = np.diff(person[order], prepend=-1) != 0
    new |= np.diff(pair[which][order], prepend=-1) != 0
    fragment = np.empty(len(k), np.intp)
    fragment[order] = np.cumsum(new) - 1
    length = np.bincount(fragment)[fragment] if len(k) else np.empty(0)

    def total(values: Floats) -> Floats:
        return np.asarray(np.bincount(k, values, channels), np.float64)

    return {
        "association": total(together / union),
        "recall": total(together / np.maximum(truth, 1)),
        "precision": total(together / np.maximum(found, 1)),
        "fragments": total(length / union),
    }
