"""Scores of tracked boxes: MOTA, MOTP, IDF1 and HOTA, as the MOTChallenge prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steadypose.benchmarks.posetrack.metrics.clear import ClearCounts, clear_mot
from steadypose.benchmarks.posetrack.metrics.hota import HotaCounts, hota
from steadypose.benchmarks.posetrack.metrics.identity import IdentityCounts, identity
from steadypose.benchmarks.posetrack.metrics.pairing import Pairing
from steadypose.errors import InputError
from steadypose.geometry import box_iou


@dataclass(frozen=True, eq=False)
class BoxFrame:
    """The boxes of one frame.

    Attributes:
        ids: ``(N,)`` int64, each once; who it is in other frames of the sequence.
        boxes: ``(N, 4)`` float, x1 y1 x2 y2 in pixels.
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class BoxScores:
    """The counts behind all scores of boxes; those of sequences add up.

    Attributes:
        clear, identity, hota: The counts, with one channel.
    """

    clear: ClearCounts
    identity: IdentityCounts
    hota: HotaCounts

    def __add__(self, other: BoxScores) -> BoxScores:
        return BoxScores(
            self.clear + other.clear, self.identity + other.identity, self.hota + other.hota
        )

    def as_dict(self) -> dict[str, float]:
        """Scores in percent and counts, by their usual names; NaN where there is nothing to say.

        ``MOTP`` is the mean IoU of the matched, as TrackEval and the MOTChallenge have it.
        """
        clear = self.clear
        values = {
            "MOTA": clear.mota(),
            "MOTP": clear.motp(),
            "IDF1": self.identity.f1(),
            "IDP": self.identity.precision(),
            "IDR": self.identity.recall(),
            **self.hota.scores(),
            "precision": clear.precision(),
            "recall": clear.recall(),
            "switches": clear.switches,
            "false_positives": clear.false_positives,
            "misses": clear.misses,
            "objects": clear.objects,
        }
        # Fragments are of PoseTrack21's keypoints; nobody reports them of boxes.
        return {k: float(v[0]) for k, v in values.items() if k not in ("FragA", "FA-HOTA")}


def evaluate_boxes(
    truth: Sequence[BoxFrame], found: Sequence[BoxFrame], min_iou: float = 0.5
) -> BoxScores:
    """Score the tracked boxes of one sequence.

    Args:
        truth: The annotated boxes, frame by frame.
        found: The tracker's, for the same frames.
        min_iou: Least overlap of a match for MOTA and IDF1. HOTA is a mean over 0.05 to 0.95.

    Raises:
        InputError: The numbers of frames differ, or an id occurs twice in a frame.
    """
    if len(truth) != len(found):
        raise InputError(f"found: expected {len(truth)} frames as in truth, got {len(found)}")
    frames = [_pairing(t, f) for t, f in zip(truth, found, strict=True)]
    limit = 1 - min_iou
    return BoxScores(clear_mot(frames, limit), identity(frames, limit), hota(frames))


def combine_boxes(sequences: Iterable[BoxScores]) -> BoxScores:
    """The scores of all sequences together; at least one."""
    first, *rest = sequences
    return sum(rest, first)


def _pairing(truth: BoxFrame, found: BoxFrame) -> Pairing:
    return Pairing(
        truth.ids,
        found.ids,
        np.ones((1, len(truth.ids)), bool),
        np.ones((1, len(found.ids)), bool),
        1 - box_iou(truth.boxes, found.boxes)[None],
    )
