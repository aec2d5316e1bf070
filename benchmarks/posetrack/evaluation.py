"""Clips of truth and predictions in, scores of each and of all out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steadypose.benchmarks.posetrack.box_scores import box_frames
from steadypose.benchmarks.posetrack.clip import Clip
from steadypose.benchmarks.posetrack.keypoint_hota import KeypointHota
from steadypose.benchmarks.posetrack.metrics import BoxScores, evaluate_boxes
from steadypose.benchmarks.posetrack.scenes import Scene, scenes
from steadypose.benchmarks.posetrack.scores import (
    AveragePrecision,
    Mota,
    ProtocolName,
    Scores,
)
from steadypose.errors import InputError
from steadypose.poses import NO_TRACK

METRICS = ("ap", "mota", "hota", "box")
MOST_IDS = 10_000
"""poseval takes ids below it."""


@dataclass(frozen=True, eq=False)
class Result:
    """Scores of one clip, or of all; a metric that was not asked for is None.

    Attributes:
        ap: ``AP``, ``precision``, ``recall``.
        mota: ``MOTA``, ``MOTP``, ``precision``, ``recall``.
        hota: By averaging (``sequences``, ``set``): ``HOTA``, ``DetA``, ``AssA``, ``FragA`` ...
        box: ``MOTA``, ``IDF1``, ``HOTA`` ... of boxes.
    """

    ap: Scores | None = None
    mota: Scores | None = None
    hota: dict[str, Scores] | None = None
    box: dict[str, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values: lists of the 15 joints in the order of PoseTrack's ids and the total."""
        values: dict[str, Any] = {
            "ap": None if self.ap is None else _plain(self.ap),
            "mota": None if self.mota is None else _plain(self.mota),
            "hota": self.hota and {name: _plain(scores) for name, scores in self.hota.items()},
            "box": self.box and {name: _number(value) for name, value in self.box.items()},
        }
        return {name: value for name, value in values.items() if value is not None}


def _plain(scores: Scores) -> dict[str, list[float | None]]:
    return {
        name: [_number(v) for v in [*score.joints.tolist(), score.total]]
        for name, score in scores.items()
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


class Evaluation:
    """Evaluates predictions clip by clip.

    Args:
        metrics: Any of ``METRICS``.
        protocol: ``official`` or ``fixed``.
        threshold: Joints whose score is below it are taken for missing.

    Attributes:
        clips: The scores of each clip so far, by name.
    """

    def __init__(
        self,
        metrics: Sequence[str] = METRICS,
        protocol: ProtocolName = "official",
        threshold: float | None = None,
    ) -> None:
        self.clips: dict[str, Result] = {}
        self._protocol, self._threshold = protocol, threshold
        self._ap = AveragePrecision(protocol) if "ap" in metrics else None
        self._mota = Mota(protocol) if "mota" in metrics else None
        self._hota = KeypointHota(protocol) if "hota" in metrics else None
        self._with_boxes = "box" in metrics
        self._box: BoxScores | None = None

    def add(self, truth: Clip, found: Clip) -> Result:
        """Evaluate one clip; its own scores.

        Raises:
            InputError: The two do not fit, a field that a metric needs is missing, or the clip was
                added before.
        """
        if truth.name in self.clips:
            raise InputError(f"{truth.source}: a clip called {truth.name} was evaluated before")
        if self._mota or self._hota or self._with_boxes:
            _check_tracked(truth, official=False)
            _check_tracked(found, official=self._protocol == "official")
        found = above(found, self._threshold)
        result = Result(*self._poses(truth, found), self._boxes(truth, found))
        self.clips[truth.name] = result
        return result

    def total(self) -> Result:
        """The scores of all clips together. Raises InputError where none was added."""
        if not self.clips:
            raise InputError("no clip to evaluate")
        return Result(
            ap=None if self._ap is None else self._ap.total(),
            mota=None if self._mota is None else self._mota.total(),
            hota=None if self._hota is None else self._hota.total(),
            box=None if self._box is None else self._box.as_dict(),
        )

    def _poses(
        self, truth: Clip, found: Clip
    ) -> tuple[Scores | None, Scores | None, dict[str, Scores] | None]:
        official = self._protocol == "official"
        frames: list[Scene] = []
        if self._ap or self._mota or not official:
            frames = scenes(truth, found, "poseval" if official else "fixed")
        ap = None if self._ap is None else self._ap.add(frames)
        mota = None if self._mota is None else self._mota.add(frames)
        if self._hota is None:
            return ap, mota, None
        if official:
            frames = scenes(truth, found, "kit")
        return ap, mota, {"sequences": self._hota.add(frames, truth, found)}

    def _boxes(self, truth: Clip, found: Clip) -> dict[str, float] | None:
        if not self._with_boxes:
            return None
        scores = evaluate_boxes(*box_frames(truth, found))
        self._box = scores if self._box is None else self._box + scores
        return scores.as_dict()


def above(clip: Clip, threshold: float | None) -> Clip:
    """The clip without the joints whose score is below the threshold, and people without joints.

    None keeps all.
    """
    if threshold is None:
        return clip
    low = clip.persons.scores < threshold
    points = np.where(low[..., None], np.nan, clip.persons.points)
    scores = np.where(low, np.nan, clip.persons.scores)
    persons = replace(clip.persons, points=points, scores=scores)
    return replace(clip, persons=persons[np.flatnonzero(persons.there.any(1))])


def _check_tracked(clip: Clip, *, official: bool) -> None:
    """Whether every person has an id that can be used. Raises InputError."""
    ids, image = clip.persons.track_ids, clip.persons.image
    for wrong, words in (
        (ids == NO_TRACK, "a person without 'track_id'; only ap can be evaluated"),
        (
            official & (ids >= MOST_IDS),
            f"'track_id': the official tools take ids below {MOST_IDS}; smaller ones are made by "
            "'steadypose convert --renumber'",
        ),
    ):
        if wrong.any():
            raise InputError(f"{clip.where(int(image[wrong][0]))}: {words}")
