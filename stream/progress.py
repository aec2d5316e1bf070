"""The progress line: frames, speed, people, time left; on a terminal only."""

from __future__ import annotations

import sys

from tqdm import tqdm


class Progress:
    """A tqdm bar over the frames of one source; silent where stderr is no terminal.

    Args:
        name: Shown in front.
        total: Frames expected, or None where not known.
        quiet: Show nothing.
    """

    def __init__(self, name: str, total: int | None, *, quiet: bool = False) -> None:
        self._bar = tqdm(
            desc=name,
            total=total,
            unit=" frames",
            file=sys.stderr,
            disable=quiet or not sys.stderr.isatty(),
            dynamic_ncols=True,
            smoothing=0.1,
        )

    def update(self, people: int) -> None:
        """One more frame is done, with so many people in it."""
        self._bar.set_postfix_str(f"{people} people", refresh=False)
        self._bar.update()

    def close(self) -> None:
        """Leave the line as it is."""
        self._bar.close()
