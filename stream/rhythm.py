"""How regularly something comes, and so whether it is worth waiting for."""

from __future__ import annotations

_NEWS = 0.2
"""Weight of the newest step in the running mean."""


class Rhythm:
    """The times at which something came, as a running mean of the steps between them.

    Attributes:
        came_s: When it came last, by the caller's clock; None before the first time.
        period_s: Mean step; None before the second time.
    """

    def __init__(self) -> None:
        self.came_s: float | None = None
        self.period_s: float | None = None

    def beat(self, now: float) -> None:
        """It came."""
        if self.came_s is not None:
            step = now - self.came_s
            old = step if self.period_s is None else self.period_s
            self.period_s = old + _NEWS * (step - old)
        self.came_s = now

    def expected(self, now: float, deadline: float) -> bool:
        """Whether it should come again before ``deadline``, and is not long overdue."""
        if self.came_s is None or self.period_s is None:
            return False
        return self.came_s + self.period_s <= deadline and now <= self.came_s + 2 * self.period_s
