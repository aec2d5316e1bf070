"""Noticing that a stream is read later than it comes, and passing over what is too old."""

from __future__ import annotations

LIMIT_S = 0.5
"""A stream that is read later than this for as long is behind."""
_EDGE_S = 0.005
"""A read that waits so long has reached the newest that there is."""
_FAST = 2.0
"""What waits to be read comes faster than the camera's pace by more than this."""
_LONGEST_S = 10.0
"""A stream without key frames is decoded on after so long, damaged as its pictures then are."""
_DRIFT = 0.001
"""The camera's clock and this computer's may differ by so many seconds a second."""


class CatchUp:
    """Tells which packets to pass over so that a slow decoder does not fall behind for ever.

    When decoding takes longer than the stream, packets pile up in the network's buffers and every
    picture is older than the one before. How late a packet is read is seen by its stamp: the
    smallest difference of clock and stamp so far is taken for "not late". Where a stream has no
    stamps of its own, it is late when no read had to wait for a while. A stream that stays behind
    is read on without decoding up to its newest packet, then from the next key frame.

    Attributes:
        skipped: Packets passed over so far.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._base_s: float | None = None
        self._seen_s = 0.0
        self._on_time_s: float | None = None
        self._skipping = self._at_edge = False
        self._began_s = 0.0
        self._window: tuple[float | None, float] = (None, 0.0)

    def skip(self, pts_s: float | None, *, key: bool, waited_s: float, now_s: float) -> bool:
        """Whether to pass over a packet.

        Args:
            pts_s: The stream's own time of the packet in seconds; None where it has none.
            key: Whether decoding can begin with it.
            waited_s: Seconds that the read of it took.
            now_s: ``time.monotonic()``.
        """
        late = self._lateness(pts_s, waited_s, now_s)
        if self._on_time_s is None or late < LIMIT_S:
            self._on_time_s = now_s
        if self._skipping:
            at_edge = late < LIMIT_S / 2 or self._comes_no_faster(pts_s, now_s)
            self._at_edge = self._at_edge or at_edge
            if self._at_edge and (key or now_s - self._began_s > _LONGEST_S):
                self._resume(pts_s, late, now_s)
        elif now_s - self._on_time_s > LIMIT_S:
            self._skipping, self._at_edge, self._began_s = True, False, now_s
            self._window = (pts_s, now_s)
        self.skipped += self._skipping
        return self._skipping

    def _resume(self, pts_s: float | None, late_s: float, now_s: float) -> None:
        self._skipping, self._on_time_s = False, now_s
        if pts_s is not None and late_s >= LIMIT_S:
            # What is late at the newest packet is late at the camera: nothing here can change it.
            self._base_s = now_s - pts_s

    def _comes_no_faster(self, pts_s: float | None, now_s: float) -> bool:
        """Whether packets come at the pace of the camera: none is waiting to be read."""
        before_pts, before = self._window
        if pts_s is None or before_pts is None or now_s - before < LIMIT_S:
            return False
        self._window = (pts_s, now_s)
        return pts_s - before_pts < _FAST * (now_s - before)

    def _lateness(self, pts_s: float | None, waited_s: float, now_s: float) -> float:
        if pts_s is None:
            if waited_s >= _EDGE_S or self._base_s is None:
                self._base_s = now_s
            return now_s - self._base_s
        apart = now_s - pts_s
        if self._base_s is not None:
            self._base_s += _DRIFT * max(0.0, now_s - self._seen_s)
        self._seen_s = now_s
        if self._base_s is None or apart < self._base_s:
            self._base_s = apart
        return apart - self._base_s
