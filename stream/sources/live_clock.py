"""Time stamps of a live source over all its connections, and the pace of what comes too early."""

from __future__ import annotations

from fractions import Fraction

TIME_BASE = Fraction(1, 1_000_000)
"""Unit of the time stamps of live sources, in seconds."""
_MAX_STRAY_S = 5.0
_SPEED_UP = 1.02


class LiveClock:
    """Gives every picture of a live source a time stamp later than the one before.

    The first picture is at 0. Within a connection the stream's own stamps count, as they hold the
    camera's rhythm while the network's is uneven. A new connection goes on after the time that
    passed here since the last picture. Where a stream has no stamps of its own, and where they
    leave the time that passed here by more than five seconds (a camera that set its clock), the
    time of arrival counts.
    """

    def __init__(self) -> None:
        self._last: int | None = None
        self._last_captured_s = 0.0
        self._offset: int | None = None
        self.resets = 0

    def connect(self) -> None:
        """A new connection: its stamps have a zero of their own."""
        self._offset = None

    def stamp(self, pts_s: float | None, captured_s: float) -> int:
        """The stamp to use, in microseconds.

        Args:
            pts_s: The picture's own presentation time in seconds, or None.
            captured_s: ``time.monotonic()`` when it was decoded.
        """
        arrived = self._arrival(captured_s)
        if pts_s is None:
            shown = arrived
        else:
            own = round(pts_s / TIME_BASE)
            if self._offset is None:
                self._offset = arrived - own
            elif abs(own + self._offset - arrived) > _MAX_STRAY_S / TIME_BASE:
                self._offset = arrived - own
                self.resets += 1
            shown = own + self._offset
        if self._last is not None:
            shown = max(shown, self._last + 1)
        self._last, self._last_captured_s = shown, captured_s
        return shown

    def _arrival(self, captured_s: float) -> int:
        if self._last is None:
            return 0
        return self._last + round((captured_s - self._last_captured_s) / TIME_BASE)


class Pacer:
    """Holds pictures of a playlist or a file back until they are due.

    They come in bursts of several seconds, of which the ``latest`` policy would keep one. What
    comes late moves the schedule; it runs 2 % fast, so that the delay shrinks again to what the
    bursts need.
    """

    def __init__(self) -> None:
        self._zero_s: float | None = None

    def wait_s(self, pts_s: float, now_s: float) -> float:
        """Seconds until a picture at ``pts_s`` is due at ``now_s`` of ``time.monotonic()``."""
        due = pts_s / _SPEED_UP
        if self._zero_s is None or now_s > self._zero_s + due or self._is_stray(due, now_s):
            self._zero_s = now_s - due
        return max(0.0, self._zero_s + due - now_s)

    def _is_stray(self, due_s: float, now_s: float) -> bool:
        """Whether the stamps jumped ahead, as at a break between two programmes."""
        return self._zero_s is not None and self._zero_s + due_s - now_s > 30.0
