"""How long to wait before a source is tried again."""

from __future__ import annotations

import random


class Backoff:
    """Waits that double up to a limit, each cut at random by up to half.

    The cut keeps many cameras behind one switch from coming back in the same instant.

    Args:
        first_s: The first wait in seconds.
        most_s: The longest wait in seconds.
        random_source: Where chance comes from.
    """

    def __init__(
        self, first_s: float, most_s: float, random_source: random.Random | None = None
    ) -> None:
        self._first_s, self._most_s = first_s, most_s
        self._random = random_source or random.Random()  # noqa: S311 - no secret
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait after one more failure."""
        doubled = self._first_s * 2.0 ** min(self._failures, 32)
        self._failures += 1
        return min(self._most_s, doubled) * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start anew after a success."""
        self._failures = 0
