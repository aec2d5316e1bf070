"""The poses of a frame's people: estimated, refined, or refined from what the tracks expect."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steadypose.engines.refiner.priors import prior_certainty
from steadypose.engines.refiner.refine import PoseRefiner, in_coco19
from steadypose.frame import Frame
from steadypose.geometry import box_iou_pairs
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import Skeleton
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.flow import PictureFlow
from steadypose.stream.holding import Holder, apart, expected_poses
from steadypose.stream.people import Candidates, carry_boxes, person_scores
from steadypose.stream.stages import stage
from steadypose.stream.steady_crops import steadied
from steadypose.stream.steps import Steps, estimate, refine
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
CROWDED_IOU = 0.4
"""Nor one whose box another person's overlaps by more: the prior alone may slip onto that one.

Who is held may slip likewise."""


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

    Without a refiner people are estimated. With one, the estimated poses are refined, each with
    the prediction of the track that it seems to belong to. With ``estimator.when: new`` some people
    are held: between two looks of the detector no network looks at them, and their joints go where
    the picture shows them to go; see ``Holder`` and ``flow``. With a refiner those whose last
    refined pose was sure are then refined from the prediction alone, too; who is not sure after
    that is estimated after all, in the same frame.

    Args:
        room: The networks and settings.
        tracker: Whose tracks the priors come from; not changed.
    """

    def __init__(self, room: EngineRoom, tracker: PoseTracker) -> None:
        self._room, self._tracker = room, tracker
        settings = room.config.estimator
        self._holder = Holder(settings.hold, settings.hold_oks)
        self._flow = PictureFlow()
        self.forget()

    def forget(self) -> None:
        """Be sure of nobody, as at the start."""
        self._sure_ids = self._held_ids = np.empty(0, np.int64)
        self._last_s = math.inf
        self._shown: Poses | None = None
        self._holder.forget()
        self._flow.forget()

    def remember(self, people: Poses, sight: Sight) -> None:
        """Take note of who was found in this frame, and how surely, after tracking."""
        if self._room.config.estimator.when != "new":
            return
        named = people[people.track_ids != NO_TRACK]
        self._sure_ids = named.track_ids[self._sure(named)]
        self._last_s, self._shown = sight.frame.pts_s, named
        if self._room.config.estimator.hold:
            self._flow.keep(sight.frame.image)
        self._holder.remember(named, np.isin(named.track_ids, self._held_ids), sight.predictions)

    def poses(self, sight: Sight) -> Steps[tuple[Poses, NDArray[np.float32]]]:
        """A pose for each box of the sight, and its evidence ``(N,)`` as the tracker takes it.

        Boxes and person scores are made up to date. Who is held has the id of the track already,
        nobody else has one.
        """
        refiner = self._room.refiner
        if refiner is None:
            poses = yield from self._estimated(sight)
            evidence = np.ones(len(poses), np.float32)
        else:
            poses, evidence = yield from self._refined(refiner, sight)
        return _finished(poses, sight), evidence

    def _estimated(self, sight: Sight) -> Steps[Poses]:
        """Everyone as the estimator finds them, but for those who are held."""
        everyone = np.arange(len(sight.where.boxes))
        if self._room.config.estimator.when != "new":
            return (yield from self._estimate(sight, everyone))
        poses = _nobody(self._tracker.skeleton, sight.where.boxes)
        with stage("estimate"), sight.watch.measure("estimate"):
            poses, held = self._hold(sight, poses, apart(sight.where.boxes, CROWDED_IOU))
        rest = np.setdiff1d(everyone, held)
        return _put(poses, rest, (yield from self._estimate(sight, rest)))

    def _refined(
        self, refiner: PoseRefiner, sight: Sight
    ) -> Steps[tuple[Poses, NDArray[np.float32]]]:
        poses = _nobody(refiner.skeleton, sight.where.boxes)
        evidence = np.ones(len(poses), np.float32)
        held = expected = np.empty(0, np.intp)
        if self._room.config.estimator.when == "new":
            with stage("refine"), sight.watch.measure("refine"):
                clear = apart(sight.where.boxes, CROWDED_IOU)
                poses, held = self._hold(sight, poses, clear)
                expected = np.setdiff1d(self._expected(sight, clear), held)
        rest = np.setdiff1d(np.arange(len(poses)), np.concatenate([expected, held]))
        poses, evidence[rest] = yield from self._looked_at(sight, poses, rest, expected)
        unsure = expected[~self._sure(poses[expected])]
        poses, evidence[unsure] = yield from self._looked_at(sight, poses, unsure, unsure[:0])
        return poses, evidence

    def _looked_at(
        self, sight: Sight, poses: Poses, rows: NDArray[np.intp], expected: NDArray[np.intp]
    ) -> Steps[tuple[Poses, NDArray[np.float32]]]:
        """Poses where ``rows`` were estimated and refined, and the evidence of those rows.

        In the same batch the rows ``expected`` are refined from their tracks' predictions alone.
        """
        all_rows = np.concatenate([rows, expected])
        if not len(all_rows):
            return poses, np.empty(0, np.float32)
        if len(rows):
            poses = _put(poses, rows, (yield from self._estimate(sight, rows)))
        with stage("refine"), sight.watch.measure("refine"):
            tracks = sight.predictions[sight.where.tracks[expected]]
            priors = priors_of(tracks)
            if len(rows):
                told = _put(poses, expected, expected_poses(tracks, poses[expected]))
                priors = np.concatenate([self._matched_priors(sight, told)[rows], priors])
        refined = yield from self._refine(sight, poses[all_rows], priors)
        news = _evidence(poses[rows], refined[: len(rows)], priors[: len(rows)])
        return _put(poses, all_rows, refined), news

    def _estimate(self, sight: Sight, rows: NDArray[np.intp]) -> Steps[Poses]:
        """What the estimator finds in the boxes ``rows``."""
        boxes = sight.where.boxes[rows]
        with stage("estimate"), sight.watch.measure("estimate"):
            poses = yield from estimate(sight.frame.image, self._cut_at(boxes))
            return replace(poses, boxes=boxes)

    def _refine(self, sight: Sight, poses: Poses, priors: NDArray[np.float32]) -> Steps[Poses]:
        with stage("refine"), sight.watch.measure("refine"):
            poses = replace(poses, boxes=self._cut_at(poses.boxes))
            return (yield from refine(sight.frame.image, poses, priors))

    def _cut_at(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """The boxes ``(N, 4)`` to cut people out at."""
        return steadied(boxes) if self._room.config.estimator.steady_crops else boxes

    def _expected(self, sight: Sight, clear: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Rows of the people who are tracked so well that the prediction will do for a pose.

        Those whose track has an id, was seen lately, and whose last pose was sure; at a frame
        that the detector looked at, only where it found them about as expected; and only who is
        ``clear`` ``(N,)`` of other people.
        """
        tracks, seen = sight.where.tracks, sight.predictions
        rows = np.flatnonzero(tracks >= 0)
        known = tracks[rows]
        good = np.isin(seen.track_ids[known], self._sure_ids) & (seen.unseen_s[known] <= RECENT_S)
        good &= clear[rows]
        if sight.looked:
            near = box_iou_pairs(sight.where.boxes[rows], seen.boxes[known]) >= SURE_BOX_IOU
            good &= sight.where.detected[rows] & near
        return rows[good]

    def _hold(
        self, sight: Sight, poses: Poses, clear: NDArray[np.bool_]
    ) -> tuple[Poses, NDArray[np.intp]]:
        """The poses with those who are held in their places, and their rows."""
        held = self._held(sight, clear)
        return _put(poses, held, self._carried(sight, poses[held], held)), held

    def _held(self, sight: Sight, clear: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Rows of the people who are held.

        Of those whose track has an id and who are ``clear`` ``(N,)`` of other people. Nobody is
        held in a frame that the detector looked at, nor, with a refiner, where the next frame would
        come too late for a refinement from the prediction alone.
        """
        tracks, seen = sight.where.tracks, sight.predictions
        rows = np.flatnonzero(tracks >= 0)
        ids, unseen_s = seen.track_ids[tracks[rows]], seen.unseen_s[tracks[rows]]
        may = clear[rows] & (unseen_s <= self._room.tracker_settings.hold_s)
        if self._room.refiner is not None:
            may &= unseen_s + sight.frame.pts_s - self._last_s <= RECENT_S
        may &= (ids != NO_TRACK) & (not sight.looked)
        chosen = self._holder.choose(ids, may)
        self._held_ids = ids[chosen]
        held: NDArray[np.intp] = rows[chosen]
        return held

    def _carried(self, sight: Sight, like: Poses, held: NDArray[np.intp]) -> Poses:
        """The people ``held``, in boxes ``like``, brought to where the picture shows them."""
        tracks = sight.predictions[sight.where.tracks[held]]
        expected = expected_poses(tracks, like)
        if self._shown is None or not len(expected):
            return expected
        rows, shown = np.nonzero(expected.track_ids[:, None] == self._shown.track_ids)
        place = expected.keypoints[rows].astype(np.float64)
        moved = self._flow.carry(
            sight.frame.image,
            self._shown.keypoints[shown].astype(np.float64).reshape(-1, 2),
            place.reshape(-1, 2),
            tracks.sizes[rows].repeat(place.shape[1]),
        )
        keypoints = expected.keypoints.copy()
        keypoints[rows] = moved.reshape(place.shape)
        return replace(expected, keypoints=keypoints)

    def _matched_priors(self, sight: Sight, poses: Poses) -> NDArray[np.float32]:
        """Prior ``(N, 19, 3)`` of each pose: its track's prediction; zeros where it has none.

        Nobody has one where ``refiner.prior`` is off.
        """
        priors = np.zeros((len(poses), len(poses.skeleton), 3), np.float32)
        if not len(sight.predictions) or not self._room.config.refiner.prior:
            return priors
        detected = sight.where.detected if sight.looked else False
        ids = self._tracker.match_preliminary(
            _finished(poses, sight),
            sight.frame.pts_s,
            detected=detected,
            held=held_in(poses),
            camera=sight.camera,
            frame_size=sight.frame.size,
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


def held_in(poses: Poses) -> NDArray[np.bool_]:
    """Which of the people of ``Poser.poses`` are held, ``(N,)``."""
    return np.asarray(poses.track_ids != NO_TRACK, bool)


def priors_of(predictions: Predictions) -> NDArray[np.float32]:
    """Predicted tracks ``(T, 19, 3)`` as a refiner reads them: x, y in pixels, certainty 0..1."""
    sides = predictions.boxes[:, 2:] - predictions.boxes[:, :2]
    area = AREA_SHARE * sides.prod(1)[:, None]
    certainty = prior_certainty(predictions.scores, predictions.keypoint_var, area)[..., None]
    known = np.isfinite(predictions.keypoints).all(2, keepdims=True) & (certainty > 0)
    joints = np.concatenate([predictions.keypoints, certainty], 2)
    return np.where(known, joints, 0).astype(np.float32)


def _evidence(estimated: Poses, refined: Poses, priors: NDArray[np.float32]) -> NDArray[np.float32]:
    """What poses would be worth without their priors, ``(N,)``: the estimator knew of none.

    The refiner is sure of a joint also because the track expects it there. If the tracker took that
    for news, tracks of nobody would keep themselves alive, and others would go straight on where
    the person turns.
    """
    both = estimated.present
    share = estimated.scores.sum(1) / np.maximum((refined.scores * both).sum(1), 1e-6)
    return np.where(priors.any((1, 2)), np.minimum(share, 1), 1).astype(np.float32)


def _nobody(skeleton: Skeleton, boxes: NDArray[np.float32]) -> Poses:
    """People of whom only the boxes are known."""
    points = np.full((len(boxes), len(skeleton), 2), np.nan)
    return Poses.create(points, boxes=boxes, skeleton=skeleton)


def _put(poses: Poses, rows: NDArray[np.intp], part: Poses) -> Poses:
    """The people with the joints, scores and ids of those at ``rows`` replaced."""
    new = part if part.skeleton == poses.skeleton else in_coco19(part)
    points, scores, person = poses.keypoints.copy(), poses.scores.copy(), poses.box_scores.copy()
    points[rows], scores[rows], person[rows] = new.keypoints, new.scores, new.box_scores
    ids = poses.track_ids.copy()
    ids[rows] = new.track_ids
    return Poses(points, scores, poses.boxes, person, ids, poses.skeleton)


def _finished(poses: Poses, sight: Sight) -> Poses:
    """Boxes moved with the joints where they were predicted, and both networks' person score."""
    return person_scores(carry_boxes(poses, sight.where, sight.predictions), sight.where)
