"""How old the newest result is to someone who looks at a steady rate."""

from __future__ import annotations

from steadypose.stream.timing import Distribution

DISPLAY_HZ = 60.0


class ViewerAge:
    """The age of what a viewer sees who polls at the rate of a display.

    The age of a result when it is ready says nothing of pictures that were dropped and nothing of
    the wait for the next result; a viewer sees both. For each poll the age is the time from the
    capture of the newest result there is. Polls count from the first to the last result of each
    epoch; the time between two epochs is ``lost_s``.

    Attributes:
        ages: Seconds, one value a poll.
        lost_s: Seconds without a connection, from the last picture before to the first after.

    Args:
        rate_hz: Polls a second.
    """

    def __init__(self, rate_hz: float = DISPLAY_HZ) -> None:
        self.ages = Distribution()
        self.lost_s = 0.0
        self._step_s = 1.0 / rate_hz
        self._shown_s: float | None = None
        self._next_poll_s = 0.0
        self._epoch = 0

    def add(self, captured_s: float, ready_s: float, epoch: int = 0) -> None:
        """Take a result.

        Args:
            captured_s: When its picture was captured, by ``time.monotonic()``.
            ready_s: When it was ready, by the same clock; not before the result before it.
            epoch: Its picture's epoch.
        """
        if self._shown_s is None or epoch != self._epoch:
            if self._shown_s is not None:
                self.lost_s += max(0.0, captured_s - self._shown_s)
            self._next_poll_s = ready_s
        else:
            while self._next_poll_s < ready_s:
                self.ages.add(self._next_poll_s - self._shown_s)
                self._next_poll_s += self._step_s
        self._shown_s, self._epoch = captured_s, epoch
