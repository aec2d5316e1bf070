"""The poses of a frame's people: estimated, refined, or refined from what the tracks expect."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.priors import prior_certainty
from steadypose.engines.refiner.refine import PoseRefiner, in_coco19
from steadypose.frame import Frame
from steadypose.geometry import box_iou_pairs
from steadypose.poses import NO_TRACK, Poses
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.people import Candidates, carry_boxes, person_scores
from steadypose.stream.stages import stage
from steadypose.stream.timing import Stopwatch
from steadypose.trackers import Predictions
from steadypose.trackers.observations import AREA_SHARE

if TYPE_CHECKING:
    from steadypose.trackers import PoseTracker

SURE_JOINT = 0.5
"""Probability from which a joint is counted as sure."""
RECENT_S = 0.25
"""A track unseen for longer is not refined from its prediction alone."""
SURE_BOX_IOU = 0.5
"""Nor one whose predicted box is overlapped less than this by the box the detector found."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """A frame, and where people are to be found in it.

    Attributes:
        frame: The picture.
        where: N boxes to find poses in.
        predictions: The tracks moved on to the frame's time.
        looked: Whether the detector looked at the frame.
        camera: Affine map ``(2, 3)`` from pixels of the frame before; None where the camera stands.
        watch: Takes the time of the work.
    """

    frame: Frame
    where: Candidates
    predictions: Predictions
    looked: bool
    camera: NDArray[np.float64] | None = None
    watch: Stopwatch = field(default_factory=Stopwatch)


class Poser:
    """Finds the poses of one source's people, frame by frame.

    Without a refiner everyone is estimated. With one, the estimated poses are refined, each with
    the prediction of the track that it seems to belong to. With ``estimator.when: new``, people
    whose last refined pose was sure are refined from the prediction alone; who then is not sure
    is estimated after all, in the same frame.

    Args:
        room: The networks and settings.
        tracker: Whose tracks the priors come from; not changed.
    """

    def __init__(self, room: EngineRoom, tracker: PoseTracker) -> None:
        self._room, self._tracker = room, tracker
        self._sure_ids = np.empty(0, np.int64)

    def forget(self) -> None:
        """Be sure of nobody, as at the start."""
        self._sure_ids = np.empty(0, np.int64)

    def remember(self, people: Poses) -> None:
        """Take note of who was found surely in this frame, after tracking."""
        if self._room.config.estimator.when == "new":
            named = people.track_ids != NO_TRACK
            self._sure_ids = people.track_ids[named & self._sure(people)]

    def poses(self, sight: Sight) -> Poses:
        """A pose for each box of the sight, with boxes and person scores made up to date."""
        refiner = self._room.refiner
        if refiner is None:
            return _finished(self._estimate(sight, np.arange(len(sight.where.boxes))), sight)
        return _finished(self._refined(refiner, sight), sight)

    def _refined(self, refiner: PoseRefiner, sight: Sight) -> Poses:
        poses = _nobody(refiner, sight.where.boxes)
        expected = self._expected(sight)
        if len(expected):
            priors = priors_of(sight.predictions)[sight.where.tracks[expected]]
            alone = _refine(refiner, sight, poses[expected], priors)
            sure = self._sure(alone)
            expected = expected[sure]
            poses = _put(poses, expected, alone[sure])
        rest = np.setdiff1d(np.arange(len(poses)), expected)
        if not len(rest):
            return poses
        poses = _put(poses, rest, self._estimate(sight, rest))
        with stage("refine"), sight.watch.measure("refine"):
            priors = self._matched_priors(sight, poses)[rest]
        return _put(poses, rest, _refine(refiner, sight, poses[rest], priors))

    def _estimate(self, sight: Sight, rows: NDArray[np.intp]) -> Poses:
        """What the estimator finds in the boxes ``rows``."""
        with stage("estimate"), sight.watch.measure("estimate"):
            estimator = self._room.estimator
            return estimator.estimate(sight.frame.image, sight.where.boxes[rows])

    def _expected(self, sight: Sight) -> NDArray[np.intp]:
        """Rows of the people who are tracked so well that the prediction will do for a pose.

        Those whose track has an id, was seen lately, and whose last pose was sure; at a frame
        that the detector looked at, only where it found them about as expected.
        """
        tracks, seen = sight.where.tracks, sight.predictions
        rows = np.flatnonzero(tracks >= 0)
        known = tracks[rows]
        good = np.isin(seen.track_ids[known], self._sure_ids) & (seen.unseen_s[known] <= RECENT_S)
        if sight.looked:
            near = box_iou_pairs(sight.where.boxes[rows], seen.boxes[known]) >= SURE_BOX_IOU
            good &= sight.where.detected[rows] & near
        return rows[good]

    def _matched_priors(self, sight: Sight, poses: Poses) -> NDArray[np.float32]:
        """Prior ``(N, 19, 3)`` of each pose: its track's prediction; zeros where it has none."""
        priors = np.zeros((len(poses), len(poses.skeleton), 3), np.float32)
        if not len(sight.predictions):
            return priors
        detected = sight.where.detected if sight.looked else False
        ids = self._tracker.match_preliminary(
            _finished(poses, sight), sight.frame.pts_s, detected=detected, camera=sight.camera
        )
        rows, tracks = np.nonzero(ids[:, None] == sight.predictions.track_ids)
        named = ids[rows] != NO_TRACK
        priors[rows[named]] = priors_of(sight.predictions)[tracks[named]]
        return priors

    def _sure(self, poses: Poses) -> NDArray[np.bool_]:
        settings = self._room.config.estimator
        joints = (poses.scores >= SURE_JOINT).sum(1)
        enough = (poses.scores.mean(1) >= settings.sure_score) & (joints >= settings.sure_joints)
        return np.asarray(enough, bool)


def priors_of(predictions: Predictions) -> NDArray[np.float32]:
    """Predicted tracks ``(T, 19, 3)`` as a refiner reads them: x, y in pixels, certainty 0..1."""
    sides = predictions.boxes[:, 2:] - predictions.boxes[:, :2]
    area = AREA_SHARE * sides.prod(1)[:, None]
    certainty = prior_certainty(predictions.scores, predictions.keypoint_var, area)[..., None]
    known = np.isfinite(predictions.keypoints).all(2, keepdims=True) & (certainty > 0)
    joints = np.concatenate([predictions.keypoints, certainty], 2)
    return np.where(known, joints, 0).astype(np.float32)


def _nobody(refiner: PoseRefiner, boxes: NDArray[np.float32]) -> Poses:
    """People of whom only the boxes are known."""
    points = np.full((len(boxes), len(refiner.skeleton), 2), np.nan)
    return Poses.create(points, boxes=boxes, skeleton=refiner.skeleton)


def _refine(refiner: PoseRefiner, sight: Sight, poses: Poses, priors: NDArray[np.float32]) -> Poses:
    with stage("refine"), sight.watch.measure("refine"):
        return refiner.refine(sight.frame.image, poses, priors)


def _put(poses: Poses, rows: NDArray[np.intp], part: Poses) -> Poses:
    """The people with the joints and scores of those at ``rows`` replaced."""
    new = in_coco19(part)
    points, scores, person = poses.keypoints.copy(), poses.scores.copy(), poses.box_scores.copy()
    points[rows], scores[rows], person[rows] = new.keypoints, new.scores, new.box_scores
    return replace(poses, keypoints=points, scores=scores, box_scores=person)


def _finished(poses: Poses, sight: Sight) -> Poses:
    """Boxes moved with the joints where they were predicted, and both networks' person score."""
    return person_scores(carry_boxes(poses, sight.where, sight.predictions), sight.where)
