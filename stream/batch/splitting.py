"""Long videos in parts: where to cut, and one run out of the parts' results."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import repeat

import numpy as np

from steadypose.errors import SourceError
from steadypose.frame import Frame
from steadypose.poses import NO_TRACK, Poses
from steadypose.stream.batch.parts import PartResults
from steadypose.stream.engine_room import EngineRoom
from steadypose.stream.records import FrameResult, Source, SourceInfo
from steadypose.stream.sources.span import KeyFrames, Span
from steadypose.stream.timing import StageTimes
from steadypose.trackers import TrackerSettings

_LEAST_SHARE = 0.5
"""A last part that is shorter than this share of the others is joined to the one before."""


def plan_spans(keys: KeyFrames, part_s: float, overlap_s: float) -> tuple[Span, ...]:
    """Cut a video into parts of about ``part_s`` seconds; none where that makes fewer than two.

    Each part begins at a key frame at least ``overlap_s`` before the seam, and ends at the next
    part's seam, which is a key frame too. A seam for which there is no such key frame behind the
    one before is left out.

    Args:
        keys: Where decoding can begin.
        part_s: Length of a part in seconds.
        overlap_s: How long two parts see the same frames, in seconds.
    """
    stamps, unit = keys.stamps, float(keys.time_base)
    if not keys.places or keys.seconds < (1 + _LEAST_SHARE) * part_s:
        return ()
    starts = [pts for _, pts in keys.places]
    seams: list[tuple[int, tuple[int, int]]] = []
    last = stamps[0]
    for pts in starts:
        left_s = (stamps[-1] - pts) * unit
        if (pts - last) * unit < part_s or left_s < _LEAST_SHARE * part_s:
            continue
        before = [place for place in keys.places if (pts - place[1]) * unit >= overlap_s]
        if before and before[-1][1] > last:
            seams.append((pts, before[-1]))
            last = pts
    if not seams:
        return ()
    begins = [keys.places[0], *(place for _, place in seams)]
    stops = [*(pts for pts, _ in seams), None]
    return tuple(
        Span(seek=seek, first=first, stop=stop, index=bisect_left(stamps, first))
        for (seek, first), stop in zip(begins, stops, strict=True)
    )


class _JoinedSource:
    """What the parts said of their source; its frames were theirs."""

    def __init__(self, info: SourceInfo, warnings: Sequence[str]) -> None:
        self.info, self.warnings = info, list(dict.fromkeys(warnings))

    def __iter__(self) -> Iterator[Frame]:
        return iter(())

    def close(self) -> None:
        """Nothing is open."""


class JoinedRun:
    """The results of all parts as those of one run.

    In an overlap the earlier part's results count, as that tracker has seen more. Ids of the later
    part become those of the people that the tracker's association takes them for
    (``steadypose.trackers.seams``); who is new behind the seam gets the next free id.

    Args:
        parts: Results of the parts in order.
        spans: Where each part lies.
        room: Networks and settings of the run.
        pictures: The whole video, where the pictures are needed again.
    """

    dropped = 0

    def __init__(
        self,
        parts: Sequence[PartResults],
        spans: Sequence[Span],
        room: EngineRoom,
        pictures: Source | None = None,
    ) -> None:
        warnings = [line for part in parts for line in part.facts["warnings"]]
        self.source: Source = _JoinedSource(parts[0].info, warnings)
        self.room = room
        self.times = StageTimes()
        self._parts, self._spans, self._pictures = parts, spans, pictures
        self._stopped = False

    def __iter__(self) -> Iterator[FrameResult]:
        """Raises SourceError at the end where a part met one."""
        frames: Iterable[Frame | None] = self._pictures or repeat(None)
        results = joined(self._parts, self._spans, self.room.tracker_settings)
        for result, frame in zip(results, frames, strict=False):
            if self._stopped:
                return
            self.times.add(result.stage_s)
            yield result if frame is None else replace(result, frame=frame)
        errors = [part.facts["error"] for part in self._parts if part.facts["error"]]
        if errors:
            raise SourceError(errors[0])

    def waits(self) -> dict[str, dict[str, float]]:
        """No stage waited: the parts' work was done elsewhere."""
        return {name: {"input_s": 0.0, "output_s": 0.0} for name in self.times.stages}

    def stop(self) -> None:
        """End at the next frame."""
        self._stopped = True


def joined(
    parts: Sequence[PartResults], spans: Sequence[Span], settings: TrackerSettings
) -> Iterator[FrameResult]:
    """Every frame once, in order, with ids that hold across the seams."""
    names: dict[int, int] = {}
    next_id = 1
    for number, part in enumerate(parts):
        seam = None if number == 0 else spans[number - 1].stop
        own = [r for r in part.results if seam is None or (r.frame.pts or 0) >= seam]
        if number:
            names = _names_behind(parts[number - 1], part, names, own, settings)
        for result in own:
            for track_id in sorted(result.poses.track_ids.tolist()):
                if track_id not in names and track_id != NO_TRACK:
                    names[track_id] = next_id
                    next_id += 1
            yield replace(result, poses=_renamed(result.poses, names))


def _names_behind(
    earlier: PartResults,
    later: PartResults,
    names: dict[int, int],
    own: Sequence[FrameResult],
    settings: TrackerSettings,
) -> dict[int, int]:
    """Final ids of those people of the later part who were known in the earlier one."""
    from steadypose.trackers.seams import Seam  # here, as scipy is slow to import

    if not later.results or not earlier.results:
        return {}
    seam = Seam(settings, later.results[0].poses.skeleton)
    known = {result.frame.index: result.poses for result in earlier.results}
    for result in later.results:
        if result.frame.index in known:
            seam.add(known[result.frame.index], result.poses, result.frame.pts_s)
    alive = {int(i) for result in own for i in result.poses.track_ids}
    links = seam.links(alive)
    return {new: names[old] for new, old in links.items() if old in names}


def _renamed(poses: Poses, names: dict[int, int]) -> Poses:
    ids = [names.get(track_id, NO_TRACK) for track_id in poses.track_ids.tolist()]
    return poses.with_track_ids(np.array(ids, np.int64))
