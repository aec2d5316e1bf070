"""Time stamps that only ever grow, from those that a container gives."""

from __future__ import annotations

from fractions import Fraction

_RESET_S = 1.0
_DEFAULT_FPS = 25.0


class Timestamps:
    """Gives every frame a time stamp later than the one before.

    Stamps that grow are kept as they are, whatever their steps (variable frame rate). Else:

    * none: one nominal frame after the one before;
    * not later than the one before, by up to a second: one unit after the one before;
    * earlier by more than a second (recordings that were joined): this and all later stamps are
      moved so that the clip goes on one nominal frame after the one before.

    Args:
        time_base: Unit of the stamps in seconds.
        fps: Nominal frame rate in frames per second; 25 where it is not known.
    """

    def __init__(self, time_base: Fraction, fps: float | None) -> None:
        self._reset = int(_RESET_S / time_base)
        self.fps = fps or _DEFAULT_FPS
        self._step = max(1, round(1 / (Fraction(self.fps) * time_base)))
        self._last: int | None = None
        self._offset = 0
        self.missing = 0
        self.repaired = 0
        self.resets = 0

    def next(self) -> int:
        """One nominal frame after the last stamp, for a frame that needs none of its own."""
        self._last = 0 if self._last is None else self._last + self._step
        return self._last

    def stamp(self, pts: int | None) -> int:
        """The stamp to use, in units of the time base, for a frame that carries ``pts``."""
        if pts is None:
            self.missing += 1
            return self.next()
        shown = pts + self._offset
        if self._last is not None and shown <= self._last:
            shown = self._repair(shown, self._last)
        self._last = shown
        return shown

    def _repair(self, shown: int, last: int) -> int:
        if last - shown <= self._reset:
            self.repaired += 1
            return last + 1
        self.resets += 1
        self._offset += last + self._step - shown
        return last + self._step

    def lines(self, name: str) -> list[str]:
        """What was done to the stamps, a line for each kind; empty for a sound clip."""
        said = (
            (self.missing, f"had no time stamp; it was counted on at {self.fps:g} frames/s"),
            (self.repaired, "had a time stamp not later than the frame before; moved just after"),
            (self.resets, "set the clock back; the clip goes on without a gap"),
        )
        return [f"{name}: {count} frame(s) {text}" for count, text in said if count]
