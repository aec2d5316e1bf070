"""Who is who where two trackers saw the same stretch of time, each with ids of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from steadypose.poses import NO_TRACK, Poses
from steadypose.skeletons import COCO17, Skeleton
from steadypose.trackers.settings import TrackerSettings
from steadypose.trackers.tracker import PoseTracker


class Seam:
    """Joins the identities of a clip that was tracked in two overlapping parts.

    Give it every frame that both parts hold, in order. A tracker follows the people of the earlier
    part, and those of the later part are associated with its tracks as the tracker would associate
    them with people of the next frame. ``links`` then pairs the ids one to one so that as many
    associations as possible are kept.

    Args:
        settings: Thresholds of the association; the defaults where not given.
        skeleton: Names of the joints of all poses.
    """

    def __init__(
        self, settings: TrackerSettings | None = None, skeleton: Skeleton = COCO17
    ) -> None:
        # Whoever has an id in one part is a person, whatever the score in this frame.
        certain = replace(
            settings or TrackerSettings(),
            confirm_hits=1,
            weak_score=0.0,
            confident_score=0.0,
            birth_score=0.0,
        )
        self._tracker = PoseTracker(certain, skeleton)
        self._votes: Counter[tuple[int, int]] = Counter()

    def add(self, earlier: Poses, later: Poses, pts_s: float) -> None:
        """Take in the people that the two parts found in the frame at ``pts_s`` seconds.

        Raises:
            InputError: ``pts_s`` is not finite, or the poses have another skeleton.
        """
        self._tracker.update(earlier, pts_s)
        first = self._tracker.match_preliminary(earlier, pts_s)
        second = self._tracker.match_preliminary(later, pts_s)
        same = (first[:, None] == second[None]) & (first[:, None] != NO_TRACK)
        for row, column in np.argwhere(same).tolist():
            pair = (int(earlier.track_ids[row]), int(later.track_ids[column]))
            if NO_TRACK not in pair:
                self._votes[pair] += 1

    def links(self, alive: Collection[int]) -> dict[int, int]:
        """The earlier part's id for ids of the later part.

        Args:
            alive: Ids of the later part that are seen behind the overlap; the others, which may
                have been given up in it, do not compete for an earlier id.
        """
        votes = {pair: count for pair, count in self._votes.items() if pair[1] in alive}
        earlier = sorted({pair[0] for pair in votes})
        later = sorted({pair[1] for pair in votes})
        table = np.array([[votes.get((a, b), 0) for b in later] for a in earlier], np.int64)
        if not table.size:
            return {}
        rows, columns = linear_sum_assignment(table, maximize=True)
        return {
            later[column]: earlier[row]
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            if table[row, column]
        }
