"""HOTA of joints: PoseTrack21's (Doering et al., CVPR 2022), and HOTA as it is defined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import JOINTS, Clip
from steadypose.benchmarks.posetrack.joints import mean
from steadypose.benchmarks.posetrack.metrics.hota import HotaCounts, associate, with_hota
from steadypose.benchmarks.posetrack.metrics.hota_matching import ALPHAS, Matches, Matching, match
from steadypose.benchmarks.posetrack.scenes import Scene
from steadypose.benchmarks.posetrack.scores import (
    ProtocolName,
    Score,
    Scores,
    fixed_pairings,
    pairing,
)
from steadypose.poses import NO_TRACK

REACH = 0.5001
"""Head sizes from which on two joints have nothing in common."""
_OF_SEQUENCES = Matching(reach=REACH, aligned=False, whole_for_empty=True)
_OF_SET = replace(_OF_SEQUENCES, each_alpha=True)
_FIXED = Matching(reach=REACH)
_WEIGHTED = ("AssA", "FragA", "AssRe", "AssPr", "LocA")


class KeypointHota:
    """Keypoint HOTA averaged over the sequences, and of the whole set.

    Of the sequences: each is evaluated by itself, association is weighted by its matches. Of the
    set: where truth and predictions have ``person_id``, people are the same in all clips.
    The total of ``official`` is made of the sequences' means over the joints in the one case and is
    the mean over the joints in the other; that of ``fixed`` is the mean over the joints that are
    annotated.
    """

    def __init__(self, protocol: ProtocolName) -> None:
        self._official = protocol == "official"
        self._mean = _SequenceMean()
        self._apart: HotaCounts | None = None
        self._linked: list[Matches] = []

    def add(self, frames: Sequence[Scene], truth: Clip, found: Clip) -> Scores:
        """Take a clip in; its own scores.

        Args:
            frames: The clip's scenes.
            truth: The clip's annotations, for their ``person_ids``.
            found: The clip's predictions, likewise.
        """
        if self._official:
            pairings = [pairing(frame, frame.distances) for frame in frames]
        else:
            pairings = fixed_pairings(frames)
        matches = match(pairings, _OF_SEQUENCES if self._official else _FIXED, JOINTS)
        counts = associate([matches])
        own = _SequenceMean()
        for each in (own, self._mean):
            each.add(counts)
        if self._official:
            matches = match(pairings, _OF_SET, JOINTS)
            counts = associate([matches])
        self._add_to_set(matches, counts, truth, found)
        return self._averaged(own)

    def total(self) -> dict[str, Scores]:
        """The scores of all clips together, by how they are averaged: ``sequences``, ``set``."""
        counts = [] if self._apart is None else [self._apart]
        counts += [associate(self._linked)] if self._linked else []
        return {
            "sequences": self._averaged(self._mean),
            "set": _over_joints(sum(counts[1:], counts[0]), annotated=not self._official),
        }

    def _add_to_set(self, matches: Matches, counts: HotaCounts, truth: Clip, found: Clip) -> None:
        """Clips that share no people are added up at once, which is the same and takes no room."""
        sides = {"truth": truth.persons, "found": found.persons}
        if all(len(p) and (p.person_ids != NO_TRACK).all() for p in sides.values()):
            names = {
                side: dict(zip(p.track_ids.tolist(), p.person_ids.tolist(), strict=True))
                for side, p in sides.items()
            }
            self._linked.append(_renamed(matches, names))
            return
        self._apart = counts if self._apart is None else self._apart + counts

    def _averaged(self, sequences: _SequenceMean) -> Scores:
        assert sequences.counts is not None  # noqa: S101 - add was called
        if self._official:
            return sequences.scores()
        return _over_joints(sequences.counts, annotated=True)


class _SequenceMean:
    """PoseTrack21's total over sequences.

    Detection is pooled over all joints; association is the mean over the joints of each sequence,
    weighted by its matches.
    """

    def __init__(self) -> None:
        self.counts: HotaCounts | None = None
        self._weighted = {name: np.zeros(len(ALPHAS)) for name in _WEIGHTED}

    def add(self, counts: HotaCounts) -> None:
        """Take one sequence's counts in."""
        self.counts = counts if self.counts is None else self.counts + counts
        scores, matched = counts.at_each_alpha(), counts.tp.sum(1)
        for name, total in self._weighted.items():
            total += scores[name].mean(1) * matched

    def scores(self) -> Scores:
        """For each joint, and in total."""
        assert self.counts is not None  # noqa: S101 - add was called
        tp, fn, fp = (getattr(self.counts, name).sum(1) for name in ("tp", "fn", "fp"))
        total = {name: w / np.maximum(tp, 1) for name, w in self._weighted.items()}
        total["LocA"] = np.where(tp > 0, total["LocA"], 1.0)
        total["DetA"] = tp / np.maximum(tp + fn + fp, 1)
        total["DetRe"] = tp / np.maximum(tp + fn, 1)
        total["DetPr"] = tp / np.maximum(tp + fp, 1)
        whole = with_hota(total)
        joints = self.counts.scores()
        return {name: Score(joints[name], 100 * float(whole[name].mean())) for name in joints}


def _over_joints(counts: HotaCounts, *, annotated: bool) -> Scores:
    """In total the mean over the joints; ``annotated``: over those that are, the rest is NaN."""
    scores = counts.scores()
    if annotated:
        nobody = (counts.tp + counts.fn)[0] == 0
        scores = {name: np.where(nobody, np.nan, value) for name, value in scores.items()}
    return {name: Score(value, mean(value)) for name, value in scores.items()}


def _renamed(matches: Matches, names: dict[str, dict[int, int]]) -> Matches:
    """The matches with persons' ids in place of the clip's."""

    def of(side: str, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([names[side][i] for i in ids.tolist()], np.int64)

    return replace(
        matches,
        truth=of("truth", matches.truth),
        found=of("found", matches.found),
        truth_ids=of("truth", matches.truth_ids),
        found_ids=of("found", matches.found_ids),
    )
