"""How many steps fit into the time that there is: rented machines are paid by the minute."""

from __future__ import annotations

_SETTLED = 50
"""Steps before the clock counts: the first ones set up kernels and take many times as long."""
_WATCHED_S = 20.0
"""How long the speed is watched."""
_LATEST = 0.2
"""Share of the time after which steps are planned by whatever was seen."""
_USED = 0.95
"""Share of the time left that is planned for; looks at the validation split take some."""


class Fit:
    """Plans a run's steps once its speed is known.

    Args:
        seconds: That the run may take.
        begun: When it began, on the clock of ``plan``.
        first: Steps that were done by then.
    """

    def __init__(self, seconds: float, begun: float, first: int = 0) -> None:
        self._seconds, self._begun, self._first = seconds, begun, first
        self._since: tuple[float, int] | None = None

    def plan(self, step: int, now: float) -> int | None:
        """All steps of the run; None while too little was seen to tell.

        Args:
            step: Steps done.
            now: Seconds, on the clock of ``begun``.
        """
        done, elapsed = step - self._first, now - self._begun
        if self._since is None and done >= _SETTLED:
            self._since = now, step
        watched = self._since is not None and now - self._since[0] >= _WATCHED_S
        if not watched and elapsed < _LATEST * self._seconds:
            return None
        begun, before = self._begun, self._first
        if self._since is not None and step > self._since[1]:
            begun, before = self._since
        rate = (step - before) / max(now - begun, 1e-9)
        return step + max(int(_USED * rate * (self._seconds - elapsed)), 1)
