"""Scores of poses: what each metric keeps of a clip, and what becomes of all clips together.

``official`` follows poseval (AP, MOTA) and PoseTrack21's tool (HOTA) with their quirks, ``fixed``
is what one would want; docs/posetrack.md has the differences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.clip import JOINTS, Floats
from steadypose.benchmarks.posetrack.joints import mean
from steadypose.benchmarks.posetrack.metrics.average_precision import (
    JointHits,
    Precision,
    average_precision,
    poseval_precision,
)
from steadypose.benchmarks.posetrack.metrics.clear import ClearCounts, clear_mot
from steadypose.benchmarks.posetrack.metrics.pairing import Pairing
from steadypose.benchmarks.posetrack.persons import NEAR, as_poseval, one_to_one
from steadypose.benchmarks.posetrack.scenes import Scene, there

ProtocolName = Literal["official", "fixed"]
NO_SCORE = -9999.0
"""Score of a joint that has none, as in poseval: it comes last."""
_TIE = 1e-9


class Score(NamedTuple):
    """A metric in percent; NaN where there is nothing to say.

    Attributes:
        joints: ``(15,)`` for each joint.
        total: For all.
    """

    joints: Floats
    total: float


Scores = Mapping[str, Score]


class Metric(Protocol):
    """Collects what it needs of each clip."""

    def add(self, frames: Sequence[Scene]) -> Scores:
        """Take a clip in; its own scores."""
        ...

    def total(self) -> Scores:
        """The scores of all clips together."""
        ...


class AveragePrecision:
    """AP, precision and recall of joints. Keeps 9 bytes for each predicted joint."""

    def __init__(self, protocol: ProtocolName) -> None:
        self._official = protocol == "official"
        self._parts: list[list[JointHits]] = []

    def add(self, frames: Sequence[Scene]) -> Scores:
        """Take a clip in; its own scores."""
        hits = self._hits(frames)
        self._parts.append(hits)
        return self._scores(hits)

    def total(self) -> Scores:
        """The scores of all clips together."""
        return self._scores([JointHits.joined(parts) for parts in zip(*self._parts, strict=True)])

    def _hits(self, frames: Sequence[Scene]) -> list[JointHits]:
        right = [_right(frame, official=self._official) for frame in frames]
        none = np.empty((0, JOINTS), bool)
        seen = np.concatenate([none, *(there(frame.found) for frame in frames)])
        hit = np.concatenate([none, *right])
        scores = np.concatenate([none.astype(np.float64), *(frame.scores for frame in frames)])
        scores = np.where(np.isnan(scores), NO_SCORE, scores)
        annotated = np.concatenate([none, *(there(frame.truth) for frame in frames)]).sum(0)
        return [
            JointHits(scores=scores[use, j], right=hit[use, j], annotated=int(annotated[j]))
            for j, use in enumerate(seen.T)
        ]

    def _scores(self, hits: Sequence[JointHits]) -> Scores:
        one = poseval_precision if self._official else average_precision
        return _of_joints([one(each) for each in hits])


def _right(frame: Scene, *, official: bool) -> NDArray[np.bool_]:
    """``(P, 15)``: the joint is near that of the person whom the pose is given to."""
    distance = frame.distances
    annotated = there(frame.truth)
    person = (as_poseval if official else one_to_one)(distance, annotated)
    right = np.zeros(frame.scores.shape, bool)
    rows = np.flatnonzero(person >= 0)
    right[rows] = distance[:, person[rows], rows].T <= NEAR
    return right


def _of_joints(values: Sequence[Precision]) -> Scores:
    names = {"AP": "ap", "precision": "precision", "recall": "recall"}
    table = {n: np.array([getattr(v, field) for v in values]) for n, field in names.items()}
    return {name: Score(joints, mean(joints)) for name, joints in table.items()}


class Mota:
    """MOTA, MOTP, precision and recall of joints."""

    def __init__(self, protocol: ProtocolName) -> None:
        self._official = protocol == "official"
        self._counts = ClearCounts.zeros(JOINTS)

    def add(self, frames: Sequence[Scene]) -> Scores:
        """Take a clip in; its own scores."""
        pairings = poseval_pairings(frames) if self._official else fixed_pairings(frames)
        counts = clear_mot(pairings, NEAR, JOINTS)
        self._counts += counts
        return self._scores(counts)

    def total(self) -> Scores:
        """The scores of all clips together."""
        return self._scores(self._counts)

    def _scores(self, counts: ClearCounts) -> Scores:
        motp = counts.motp(logged=self._official)
        if self._official:
            motp = np.where(counts.detections == 0, 0.0, motp)
        table = {
            "MOTA": counts.mota(),
            "MOTP": motp,
            "precision": counts.precision(),
            "recall": counts.recall(),
        }
        return {name: Score(joints, mean(joints)) for name, joints in table.items()}


def poseval_pairings(frames: Sequence[Scene]) -> list[Pairing]:
    """As poseval tracks.

    The last frame is left out. A frame in which truth or predictions are empty counts as one miss
    and one false positive of each joint.
    """
    return [
        pairing(frame, frame.distances) if len(frame.truth_ids) and len(frame.found_ids) else _DUMMY
        for frame in frames[:-1]
    ]


_DUMMY = Pairing(
    truth_ids=np.zeros(1, np.int64),
    found_ids=np.zeros(1, np.int64),
    truth=np.ones((JOINTS, 1), bool),
    found=np.ones((JOINTS, 1), bool),
    distance=np.full((JOINTS, 1, 1), np.inf),
)


def fixed_pairings(frames: Sequence[Scene]) -> list[Pairing]:
    """All frames as they are. Joints that are equally far go to the same person as the pose."""
    found = []
    for frame in frames:
        distance = frame.distances
        person = one_to_one(distance, there(frame.truth))
        other = person != np.arange(len(frame.truth_ids))[:, None]
        found.append(pairing(frame, distance + _TIE * other))
    return found


def pairing(frame: Scene, distance: Floats) -> Pairing:
    """A scene's people with these distances ``(15, G, P)``."""
    return Pairing(
        truth_ids=frame.truth_ids,
        found_ids=frame.found_ids,
        truth=there(frame.truth).T,
        found=there(frame.found).T,
        distance=distance,
    )
