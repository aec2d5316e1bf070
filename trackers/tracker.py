"""``PoseTracker``: gives the people of each frame their identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steadypose.errors import InputError
from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import COCO17, Skeleton
from steadypose.trackers.appearance import checked, widened
from steadypose.trackers.association import UNMATCHED, associate
from steadypose.trackers.births import births
from steadypose.trackers.clock import Ahead, ahead
from steadypose.trackers.edges import FrameSize, by_the_edge, checked_size, may_be
from steadypose.trackers.observations import Observations, observe
from steadypose.trackers.predictions import Predictions
from steadypose.trackers.reunion import reunite
from steadypose.trackers.settings import TrackerSettings
from steadypose.trackers.similarity import affinity
from steadypose.trackers.state import State, from_arrays, to_arrays
from steadypose.trackers.tracks import (
    Tracks,
    asking,
    born,
    confirmed,
    observed,
    predictions_of,
    reunited,
)


class PoseTracker:
    """Keeps people's identities over time, from their poses and boxes and, if given, their looks.

    Call ``update`` once per frame with the people of that frame. A person's track begins
    *tentative*; it is *confirmed*, and gets its id, once it has been observed ``confirm_hits``
    times with person scores of ``confirm_score`` in all, or at once where it is confident and
    begins within ``start_s`` of a start or reset. A tentative track ends at its first miss. A
    confirmed track that misses is *lost* and goes on as a prediction until it is observed again,
    or a track that is about to be confirmed is recognised as the same person and takes over the
    id, or ``lost_s`` have passed. Ids start at 1, are given from left to right to people confirmed
    in the same frame, and are never used again, not even after a reset.

    Time is ``pts_s`` and may advance in any steps. A frame with the time of the one before is a
    second look at the same moment. Where the time goes back, the tracks stay where they are and the
    clock follows; a jump of more than ``lost_s``, forwards or back, ends all tracks.

    The state is replaced as a whole by ``update``, ``reset`` and ``restore``, so ``predict`` and
    ``match_preliminary`` may be called from another thread meanwhile: they see the state before or
    after. Those three belong to one thread.

    Args:
        settings: Thresholds; the defaults where not given.
        skeleton: Names of the joints of every pose it will be given.
    """

    def __init__(
        self, settings: TrackerSettings | None = None, skeleton: Skeleton = COCO17
    ) -> None:
        self.settings = settings or TrackerSettings()
        self.skeleton = skeleton
        self._state = State(Tracks.none(len(skeleton)), epoch=0)
        self._ahead: Ahead | None = None

    def reset(self, epoch: int | None = None) -> None:
        """End all tracks, as at a scene cut or a reconnect; ids go on where they were.

        Args:
            epoch: What the next predictions carry; one more than before where not given.
        """
        state = self._state
        self._state = State(
            Tracks.none(len(self.skeleton)),
            epoch=state.epoch + 1 if epoch is None else epoch,
            next_id=state.next_id,
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the tracker knows, to go on from later: ``numpy.savez(file, **state)``."""
        return to_arrays(self._state, self.skeleton)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a ``state``, of this or another tracker, or from ``numpy.load(file)``.

        The settings are not part of it.

        Raises:
            InputError: Not a state, or one of another version or skeleton.
        """
        self._state = from_arrays(state, self.skeleton)

    def predict(self, pts_s: float, *, camera: ArrayLike | None = None) -> Predictions:
        """All tracks as expected at ``pts_s`` seconds; changes nothing.

        Args:
            pts_s: Time in seconds.
            camera: See ``update``.

        Raises:
            InputError: ``pts_s`` is not finite, or ``camera`` is no camera motion.
        """
        return self._at(pts_s, camera).expected

    def needs_detection(self) -> bool:
        """Whether the next frame should go through the detector, whatever the cadence says.

        True before the first detection after a start or reset; else True exactly when, in the
        last ``update`` and that without detections, a confirmed track became lost or doubtful (its
        mean joint score fell below ``doubtful_pose_share`` of its usual one). A track asks once
        when it becomes lost, and not again within ``ask_again_s`` of having asked.
        """
        return self._state.asked or not self._state.detected

    def match_preliminary(
        self,
        poses: Poses,
        pts_s: float,
        *,
        detected: bool | NDArray[np.bool_] = True,
        held: NDArray[np.bool_] | None = None,
        appearance: NDArray[np.floating] | None = None,
        camera: ArrayLike | None = None,
        frame_size: FrameSize | None = None,
    ) -> NDArray[np.int64]:
        """Id ``(N,)`` of the track that each pose seems to belong to; changes nothing.

        ``NO_TRACK`` where there is none, where the track has no id yet, and for duplicates. The
        arguments and errors are those of ``update``.
        """
        predictions = self.predict(pts_s, camera=camera)
        observations = self._observe(poses, detected, held, appearance, None)
        matched = self._associate(predictions, observations, checked_size(frame_size))
        ids = np.full(len(poses), NO_TRACK, np.int64)
        rows = np.flatnonzero(matched != UNMATCHED)
        ids[observations.rows[matched[rows]]] = predictions.track_ids[rows]
        return ids

    def update(
        self,
        poses: Poses,
        pts_s: float,
        *,
        detected: bool | NDArray[np.bool_] = True,
        held: NDArray[np.bool_] | None = None,
        appearance: NDArray[np.floating] | None = None,
        evidence: NDArray[np.floating] | None = None,
        camera: ArrayLike | None = None,
        frame_size: FrameSize | None = None,
    ) -> Poses:
        """Take in the people of the frame at ``pts_s`` and return those who have an identity.

        Args:
            poses: The people; of their ``track_ids`` only those of held rows are read.
            pts_s: Time of the frame in seconds.
            detected: True where a detector found the people; False where it did not look and the
                boxes were predicted by this tracker; ``(N,)`` bool where it looked and found some
                of them. At a predicted box nobody is born, the box is no evidence, and a pose that
                is poor or a duplicate of another is a miss of its track.
            held: ``(N,)`` True for people at whom nobody looked in this frame: the row is what
                ``predict`` expects of the confirmed track that ``track_ids`` names. It carries no
                news: the track is not lost and the row is returned, but neither motion nor scores
                are corrected, so that the track's uncertainty and ``unseen_s`` grow on. It is a
                miss where the last observation is more than ``hold_s`` ago, and it yields to a
                detection of the same person. None where nobody is held.
            appearance: ``(N, D)`` what the people look like, compared by cosine: any descriptor of
                one length; NaN where unknown.
            evidence: ``(N,)`` in 0..1, share of its joint scores that a pose would have had without
                what this tracker predicted: one that was found with the help of the prediction
                agrees with it too well, and bears witness for its track so much less. The people
                returned keep their scores. 1 for all where not given.
            camera: ``(2, 3)`` affine map of pixels of the frame before to pixels of this frame, of
                what stands still; not given where the camera does.
            frame_size: Height and width of the picture in pixels. Who was lost on the way out of it
                is then recognised only at an edge; not given, anywhere.

        Returns:
            The same people under their ids, in the order they were given; without duplicates,
            people who belong to no track, and (unless ``output_unconfirmed``) people whose track
            is not confirmed.

        Raises:
            InputError: ``pts_s`` is not finite, the poses have another skeleton, ``detected`` or
                ``held`` or ``appearance`` has another length, a held row has no track id,
                ``evidence`` is not one number in 0..1 for each row, ``camera`` is no camera motion,
                or ``frame_size`` is not two numbers above 0.
        """
        looked = np.ndim(detected) > 0 or bool(detected)
        now = self._at(pts_s, camera)
        state, options = now.state, (self.skeleton, self.settings)
        observations = self._observe(poses, detected, held, appearance, evidence)
        size = checked_size(frame_size)
        matched = self._associate(now.expected, observations, size)
        rows = (matched != UNMATCHED).nonzero()[0]
        taken = matched[rows]
        seen = observations[taken]
        tracks, asked = state.tracks.with_looks_of(observations.appearance.shape[1]), False
        tracks = observed(tracks, rows, seen, *options)
        if not looked:
            tracks, asked = asking(tracks, rows, seen, self.settings)
        new = births(observations, taken, *options)
        if len(new):
            tracks = born(tracks, observations[new], *options)
            matched = np.concatenate([matched, new])
        alive = tracks.confirmed | (tracks.misses == 0)
        if not alive.all():
            kept = alive.nonzero()[0]
            tracks, matched = tracks[kept], matched[kept]
        next_id = state.next_id
        if len(ready := self._ready(tracks, state.age_s)):
            tracks, matched = self._recognised(tracks, matched, ready, state, pts_s, size)
            ready = self._ready(tracks, state.age_s)
            tracks, next_id = confirmed(tracks, ready, next_id)
        self._state = State(
            tracks,
            state.epoch,
            next_id,
            state.pts_s,
            age_s=state.age_s,
            detected=state.detected or looked,
            asked=asked,
        )
        return self._output(poses, observations, tracks, matched)

    def _at(self, pts_s: float, camera: ArrayLike | None) -> Ahead:
        """The state moved on to ``pts_s``, and what it expects."""
        self._ahead = now = ahead(self._state, pts_s, camera, self.settings, self._ahead)
        return now

    def _observe(
        self,
        poses: Poses,
        detected: bool | NDArray[np.bool_],
        held: NDArray[np.bool_] | None,
        appearance: NDArray[np.floating] | None,
        evidence: NDArray[np.floating] | None,
    ) -> Observations:
        if poses.skeleton != self.skeleton:
            raise InputError(
                f"poses: expected the tracker's skeleton {self.skeleton.name}, "
                f"got {poses.skeleton.name}"
            )
        known = self._state.tracks.appearance.shape[1]
        looks = widened(checked(appearance, len(poses)), known)
        return observe(poses, detected, held, looks, evidence, self.settings)

    def _associate(
        self, predictions: Predictions, observations: Observations, frame_size: FrameSize | None
    ) -> NDArray[np.intp]:
        fit = affinity(predictions, observations, self.skeleton, self.settings)
        fit = by_the_edge(fit, predictions, observations, frame_size)
        return associate(predictions, observations, fit, self.settings)

    def _recognised(
        self,
        tracks: Tracks,
        matched: NDArray[np.intp],
        new: NDArray[np.intp],
        state: State,
        pts_s: float,
        frame_size: FrameSize | None,
    ) -> tuple[Tracks, NDArray[np.intp]]:
        """Give lost people who are about to be confirmed anew their ids back."""
        lost = np.flatnonzero(tracks.confirmed & (tracks.misses > 0))
        if not len(lost):
            return tracks, matched
        now = predictions_of(tracks, pts_s, state.epoch, self.settings)
        may = may_be(now[lost], now.boxes[new], frame_size)
        pick = reunite(now[lost], now[new], may, self.settings)
        again = pick != UNMATCHED
        tracks, kept = reunited(tracks, lost[again], new[pick[again]])
        return tracks, matched[kept]

    def _ready(self, tracks: Tracks, age_s: float) -> NDArray[np.intp]:
        """Rows of the tentative tracks that have earned an id."""
        enough = tracks.hits >= self.settings.confirm_hits
        if self.settings.confirm_hits > 1:
            enough &= tracks.evidence >= self.settings.confirm_score
        if age_s <= self.settings.start_s:
            enough |= tracks.box_scores >= self.settings.start_score
        return (enough & ~tracks.confirmed).nonzero()[0]

    def _output(
        self,
        poses: Poses,
        observations: Observations,
        tracks: Tracks,
        matched: NDArray[np.intp],
    ) -> Poses:
        """The rows of ``poses`` that tracks were observed in, under the tracks' ids."""
        out = matched != UNMATCHED
        if not self.settings.output_unconfirmed:
            out &= tracks.confirmed
        seen = out.nonzero()[0]
        rows = observations.rows[matched[seen]]
        order = rows.argsort()
        return poses[rows[order]].with_track_ids(tracks.ids[seen[order]])
