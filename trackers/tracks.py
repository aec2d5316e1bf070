"""The table of tracks and its life cycle: tentative -> confirmed -> lost -> ended."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from steadypose.poses import NO_TRACK
from steadypose.skeletons import Skeleton
from steadypose.trackers.appearance import remembered, widened
from steadypose.trackers.body import CENTRE, boxes_of, move, new_motion, take_in
from steadypose.trackers.motion import Motion
from steadypose.trackers.observations import Observations
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.settings import TrackerSettings

Array = NDArray[np.float64]

_USUAL_SCORE_RATE = 0.2
"""Share of the newest pose in a track's usual mean joint score."""


@dataclass(slots=True, eq=False)
class Tracks:
    """T tracks as a struct of arrays. Every change makes a new table.

    It is not frozen, like the other tables that each frame makes anew: those take several times as
    long to make.

    A track is *tentative* until it has an id, then *confirmed*; while ``misses`` is above 0 it is
    *lost*; one that ended has no row.

    Attributes:
        ids: ``(T,)`` int64, ``NO_TRACK`` while tentative.
        hits: ``(T,)`` int64, observations so far.
        evidence: ``(T,)`` float64, sum of the person scores of the detections so far.
        misses: ``(T,)`` int64, updates since the last one in which it was observed or held.
        unseen_s: ``(T,)`` float64, seconds since the last observation.
        asked_s: ``(T,)`` float64, seconds since the track last asked for a detection.
        box_scores: ``(T,)`` float64, person score of the last detection.
        usual_scores: ``(T,)`` float64, moving mean of the pose's mean joint score.
        joint_scores: ``(T, K)`` float64, score of each joint when last seen.
        appearance: ``(T, D)`` float64, what the person looks like; NaN where unknown.
        lively: ``(T, 2)`` float64, liveliness of the joints and of the box, see ``body``.
        motion: Filters of the K joints, the box's centre and its size.
    """

    ids: NDArray[np.int64]
    hits: NDArray[np.int64]
    evidence: Array
    misses: NDArray[np.int64]
    unseen_s: Array
    asked_s: Array
    box_scores: Array
    usual_scores: Array
    joint_scores: Array
    appearance: Array
    lively: Array
    motion: Motion

    @classmethod
    def none(cls, joints: int) -> Tracks:
        """An empty table for poses of ``joints`` joints."""
        whole, real = np.empty(0, np.int64), np.empty(0)
        scores = np.empty((0, joints))
        motion = Motion.unseen(0, joints + 2)
        looks, lively = np.empty((0, 0)), np.empty((0, 2))
        return cls(whole, whole, real, whole, real, real, real, real, scores, looks, lively, motion)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: NDArray[np.intp]) -> Tracks:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        motion = values.pop("motion")[rows]
        return Tracks(**{name: each.take(rows, 0) for name, each in values.items()}, motion=motion)

    def with_looks_of(self, values: int) -> Tracks:
        """The table with descriptors of ``values`` values, unknown where it had none."""
        looks = widened(self.appearance, values)
        return self if looks is self.appearance else replace(self, appearance=looks)

    @property
    def confirmed(self) -> NDArray[np.bool_]:
        """``(T,)`` True for tracks that have an id."""
        named: NDArray[np.bool_] = self.ids != NO_TRACK
        return named


def moved(tracks: Tracks, dt_s: float, settings: TrackerSettings) -> Tracks:
    """Predict all tracks ``dt_s`` seconds ahead; those unseen for over ``lost_s`` end."""
    if dt_s == 0 or not len(tracks):
        return tracks
    unseen = tracks.unseen_s + dt_s
    alive = unseen <= settings.lost_s
    later = replace(
        tracks,
        unseen_s=unseen,
        asked_s=tracks.asked_s + dt_s,
        motion=move(tracks.motion, dt_s, tracks.lively, settings),
    )
    return later if alive.all() else later[np.flatnonzero(alive)]


def predictions_of(
    tracks: Tracks, pts_s: float, epoch: int, settings: TrackerSettings
) -> Predictions:
    """The table as what to expect at its time."""
    motion = tracks.motion
    seen = motion.seen[:, :CENTRE]
    # A joint's own filter takes the body's speed for granted; its error is the joint's too.
    body_var = motion.velocity_var[:, CENTRE] * tracks.unseen_s**2
    lost_s = np.maximum(tracks.unseen_s - settings.follow_s, 0) * (tracks.misses > 0)
    fresh = np.exp(-lost_s / settings.prior_fade_s)
    return Predictions(
        pts_s=pts_s,
        epoch=epoch,
        track_ids=tracks.ids,
        boxes=boxes_of(motion),
        box_scores=tracks.box_scores,
        pose_scores=tracks.usual_scores,
        keypoints=motion.position[:, :CENTRE],
        scores=np.where(seen, tracks.joint_scores * fresh[:, None], 0.0),
        keypoint_var=np.where(seen, motion.position_var[:, :CENTRE] + body_var[:, None], np.nan),
        centre_var=motion.position_var[:, CENTRE],
        velocity=motion.velocity[:, CENTRE],
        velocity_var=motion.velocity_var[:, CENTRE],
        appearance=tracks.appearance,
        unseen_s=tracks.unseen_s,
        confirmed=tracks.confirmed,
        followed=(tracks.unseen_s <= settings.follow_s) | (tracks.misses == 0),
    )


def observed(
    tracks: Tracks,
    rows: NDArray[np.intp],
    observations: Observations,
    skeleton: Skeleton,
    settings: TrackerSettings,
) -> Tracks:
    """Give the tracks ``rows`` one observation each, in the same order; the others missed.

    A held observation is no news: its track has not missed, and that is all. Looks are learnt from
    people whom nobody overlaps.
    """
    misses = tracks.misses + 1
    misses[rows] = 0
    news = observations.held == NO_TRACK
    if not news.all():
        rows, observations = rows[news], observations[np.flatnonzero(news)]
    hits, unseen = tracks.hits.copy(), tracks.unseen_s.copy()
    hits[rows] += 1
    unseen[rows] = 0
    evidence, scores = tracks.evidence.copy(), tracks.box_scores.copy()
    found, found_scores = rows, observations.box_scores
    if not observations.detected.all():
        found, found_scores = rows[observations.detected], found_scores[observations.detected]
    evidence[found] += found_scores
    scores[found] = found_scores
    usual = tracks.usual_scores.copy()
    usual[rows] += _USUAL_SCORE_RATE * (observations.pose_scores - usual[rows])
    joints = tracks.joint_scores.copy()
    joints[rows] = np.where(observations.scores > 0, observations.scores, joints.take(rows, 0))
    motion, lively = take_in(tracks.motion, rows, observations, skeleton, tracks.lively, settings)
    return Tracks(
        ids=tracks.ids,
        hits=hits,
        evidence=evidence,
        misses=misses,
        unseen_s=unseen,
        asked_s=tracks.asked_s,
        box_scores=scores,
        usual_scores=usual,
        joint_scores=joints,
        appearance=_looks(tracks.appearance, rows, observations, settings),
        lively=lively,
        motion=motion,
    )


def _looks(
    memory: Array,
    rows: NDArray[np.intp],
    observations: Observations,
    settings: TrackerSettings,
) -> Array:
    """What the tracks look like after the observations of ``rows`` whom nobody overlaps."""
    if not memory.shape[1]:
        return memory
    clear = np.flatnonzero(observations.overlaps <= settings.alone_iou)
    learning, looks = rows[clear], memory.copy()
    learnt = observations.appearance.take(clear, 0)
    looks[learning] = remembered(looks.take(learning, 0), learnt, settings.appearance_rate)
    return looks


def asking(
    tracks: Tracks,
    rows: NDArray[np.intp],
    observations: Observations,
    settings: TrackerSettings,
) -> tuple[Tracks, bool]:
    """Note which confirmed tracks ask for a detection, and whether any does.

    To be called for frames at which no detector looked. Those ask that have just missed for the
    first time, and those whose new observation (``observations`` of the tracks ``rows``) is
    doubtful; none asks twice within ``ask_again_s``.
    """
    troubled = tracks.misses == 1
    usual = tracks.usual_scores[rows]
    doubtful = observations.pose_scores < settings.doubtful_pose_share * usual
    troubled[rows] = doubtful & (observations.held == NO_TRACK)
    asks = troubled & tracks.confirmed & (tracks.asked_s >= settings.ask_again_s)
    return replace(tracks, asked_s=np.where(asks, 0.0, tracks.asked_s)), bool(asks.any())


def born(
    tracks: Tracks, observations: Observations, skeleton: Skeleton, settings: TrackerSettings
) -> Tracks:
    """The table with a tentative track more for each observation."""
    count = len(observations)
    new = Tracks(
        np.full(count, NO_TRACK, np.int64),
        np.ones(count, np.int64),
        observations.box_scores,
        np.zeros(count, np.int64),
        np.zeros(count),
        np.full(count, np.inf),
        observations.box_scores,
        observations.pose_scores,
        observations.scores,
        observations.appearance,
        np.ones((count, 2)),
        new_motion(observations, skeleton, settings),
    )
    arrays = {
        f.name: np.concatenate([getattr(tracks, f.name), getattr(new, f.name)])
        for f in fields(tracks)
        if f.name != "motion"
    }
    return Tracks(**arrays, motion=tracks.motion.append(new.motion))


def confirmed(tracks: Tracks, new: NDArray[np.intp], next_id: int) -> tuple[Tracks, int]:
    """Give the tentative tracks ``new`` ids from ``next_id`` on, in the table's order.

    Returns:
        The table, and the next id that is free.
    """
    ids = tracks.ids.copy()
    ids[new] = np.arange(next_id, next_id + len(new))
    return replace(tracks, ids=ids), next_id + len(new)


def reunited(
    tracks: Tracks, old: NDArray[np.intp], new: NDArray[np.intp]
) -> tuple[Tracks, NDArray[np.bool_]]:
    """Let the tracks ``new`` go on as the lost tracks ``old``, whose rows end.

    Returns:
        The table of all tracks but ``old``, and the mask ``(T,)`` of its rows in the table before.
    """
    ids, looks = tracks.ids.copy(), tracks.appearance.copy()
    ids[new] = tracks.ids[old]
    looks[new] = np.where(np.isfinite(looks[old]), looks[old], looks[new])
    kept = np.ones(len(tracks), bool)
    kept[old] = False
    return replace(tracks, ids=ids, appearance=looks)[np.flatnonzero(kept)], kept
