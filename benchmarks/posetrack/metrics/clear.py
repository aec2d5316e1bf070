"""CLEAR MOT: MOTA and MOTP (Bernardin and Stiefelhagen, EURASIP JIVP 2008).

Who is matched is decided as in py-motmetrics, which poseval and the MOTChallenge use: a pair of the
past stays while it is near enough, the rest is assigned by least total distance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.metrics.pairing import Mask, Pairing, nearest, numbered

Counts = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ClearCounts:
    """What MOTA and its like are made of, for each of K channels; sequences are added up.

    Attributes:
        objects: ``(K,)`` annotated persons, over all frames.
        misses: ``(K,)`` of them not matched.
        false_positives: ``(K,)`` predictions not matched.
        switches: ``(K,)`` persons matched with another id than the last time.
        detections: ``(K,)`` persons matched, with the right id or not.
        distance: ``(K,)`` sum of the distances of the matched.
        logged: ``(K,)`` sum of the distances of all events that py-motmetrics logs: besides the
            matches, every pair that is near enough, and switches of three kinds once more.
    """

    objects: Counts
    misses: Counts
    false_positives: Counts
    switches: Counts
    detections: Counts
    distance: Counts
    logged: Counts

    @classmethod
    def zeros(cls, channels: int) -> ClearCounts:
        """Nothing seen yet."""
        return cls(**{field.name: np.zeros(channels) for field in fields(cls)})

    def __add__(self, other: ClearCounts) -> ClearCounts:
        return ClearCounts(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    def mota(self) -> Counts:
        """``(K,)`` in percent, at most 100; NaN where nobody is annotated."""
        wrong = self.misses + self.switches + self.false_positives
        return 100 * (1 - ratio(wrong, self.objects))

    def motp(self, *, logged: bool = False) -> Counts:
        """``(K,)`` 100 (1 - mean distance of the matched); NaN where nobody is matched.

        Args:
            logged: Take the distances of all logged events, as poseval does by mistake.
        """
        return 100 * (1 - ratio(self.logged if logged else self.distance, self.detections))

    def precision(self) -> Counts:
        """``(K,)`` percent of the predictions that are matched; NaN where there are none."""
        return 100 * ratio(self.detections, self.detections + self.false_positives)

    def recall(self) -> Counts:
        """``(K,)`` percent of the annotated that are matched; NaN where there are none."""
        return 100 * ratio(self.detections, self.objects)


def ratio(part: Counts, whole: Counts) -> Counts:
    """``part / whole``, NaN where the whole is 0."""
    undefined: Counts = np.full(np.shape(whole), np.nan)
    return np.divide(part, whole, out=undefined, where=np.asarray(whole != 0))


def clear_mot(frames: Iterable[Pairing], limit: float, channels: int = 1) -> ClearCounts:
    """Count matches, misses, false positives and switches of one sequence.

    Args:
        frames: In order of time.
        limit: Pairs farther apart than this are not matched.
        channels: K, the number of channels of the frames.
    """
    rows, people, predictions = numbered(frames)
    memory = _Memory(channels, people, predictions)
    total = {field.name: np.zeros(channels) for field in fields(ClearCounts)}
    for frame, truth, found in rows:
        for name, value in memory.step(frame, truth, found, limit).items():
            total[name] += value
    return ClearCounts(**total)


class _Memory:
    """Who was matched with whom so far.

    Two habits of py-motmetrics matter for its log only: an id's former person is remembered when
    it is newly assigned, not while a pair goes on.
    """

    def __init__(self, channels: int, people: int, predictions: int) -> None:
        self.partner = np.full((channels, people), -1, np.intp)
        self.owner = np.full((channels, predictions), -1, np.intp)
        self.person_met = np.zeros((channels, people), bool)
        self.id_met = np.zeros((channels, predictions), bool)

    def step(
        self, frame: Pairing, truth: NDArray[np.intp], found: NDArray[np.intp], limit: float
    ) -> dict[str, Counts]:
        """Match one frame; what it adds to each count."""
        near = frame.distance <= limit
        partner, owner = self.partner[:, truth], self.owner[:, found]
        kept = self._kept(near, partner, found)
        has_id, has_person = np.asarray(kept.any(2)), np.asarray(kept.any(1))
        free = near & ~has_id[:, :, None] & ~has_person[:, None]
        new = nearest(free, frame)
        switches = new & (partner >= 0)[:, :, None]
        transfers = new & (owner >= 0)[:, None] & (owner[:, None] != truth[:, None])
        ascends = switches & ~self.id_met[:, found][:, None]
        migrates = transfers & ~self.person_met[:, truth][:, :, None]
        matched = kept | new
        self._remember(new, matched, truth, found)
        events = near.astype(np.int8) + matched + transfers + ascends + migrates
        distance = np.where(near, frame.distance, 0)
        hits = matched.sum((1, 2))
        return {
            "objects": frame.truth.sum(1),
            "misses": frame.truth.sum(1) - hits,
            "false_positives": frame.found.sum(1) - hits,
            "switches": switches.sum((1, 2)),
            "detections": hits,
            "distance": (matched * distance).sum((1, 2)),
            "logged": (events * distance).sum((1, 2)),
        }

    @staticmethod
    def _kept(near: Mask, partner: NDArray[np.intp], found: NDArray[np.intp]) -> Mask:
        """Pairs of the past that are near; of two persons with the same id the first has it."""
        claims = near & (partner[:, :, None] == found)
        kept: Mask = claims & (np.cumsum(claims, axis=1) == 1)
        return kept

    def _remember(
        self, new: Mask, matched: Mask, truth: NDArray[np.intp], found: NDArray[np.intp]
    ) -> None:
        k, g, p = np.nonzero(new)
        self.partner[k, truth[g]] = found[p]
        self.owner[k, found[p]] = truth[g]
        k, g, p = np.nonzero(matched)
        self.person_met[k, truth[g]] = True
        self.id_met[k, found[p]] = True
